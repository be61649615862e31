"""The parts of `./dev test`, and phases."""

from collections.abc import Callable, Sequence

import pytest

from devtools import build, phases, rules, testing
from devtools.console import CliError
from lab import commands, compose, requirements


def _recorder(calls: list[str], name: str, code: int = 0) -> Callable[..., int]:
    """A function that records its name and the words that it is called with."""

    def record(words: Sequence[str] = ()) -> int:
        calls.append(" ".join([name, *words]))
        return code

    return record


def test_the_first_word_selects_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for module in (commands, compose, rules):
        monkeypatch.setattr(module, "test", _recorder(calls, module.__name__, code=5))
    for words in (["rules", "lease"], ["swarm", "--nodes", "3"], ["compose"]):
        assert testing.test(words) == 5
    assert calls == ["devtools.rules lease", "lab.commands --nodes 3", "lab.compose"]


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(CliError, match=r"there is no test 'nonsense'"):
        testing.test(["nonsense"])


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        (["-p", "checker"], "-p checker -- --list --format terse"),
        (["-p", "checker", "--", "name"], "-p checker -- --list --format terse name"),
    ],
)
def test_the_selected_tests_are_listed_before_the_arguments_of_the_test_program(words: list[str], listed: str) -> None:
    assert testing.list_words(words) == listed.split()


def _broken() -> int:
    raise CliError("no network")


def test_all_phases_run_and_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []
    parts = {"one": _broken, "two": _recorder(ran, "two"), "three": lambda: 5}
    assert phases.run("./dev test", parts, ["swarm left out (no root)"]) == 1
    assert ran == ["two"]
    shown = capsys.readouterr()
    assert shown.err == "./dev: no network\n"
    last = shown.out.splitlines()[-1]
    summary = "swarm left out (no root), one FAILED (0.0 s), two ok (0.0 s), three FAILED (0.0 s): FAILED"
    assert last.endswith(f"./dev test: {summary}")


@pytest.mark.parametrize(("failed", "code", "end"), [(False, 0, "all passed"), (True, 1, "FAILED")])
def test_a_required_part_that_is_left_out_fails(
    failed: bool, code: int, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert phases.run("./dev test", {"one": lambda: 0}, ["swarm left out"], failed) == code
    assert capsys.readouterr().out.splitlines()[-1].endswith(f": {end}")


def test_the_long_tests_are_rules_soak_and_compose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    for module, name in ((testing, "install_tools"), (testing, "_soak"), (rules, "test"), (compose, "test")):
        monkeypatch.setattr(module, name, _recorder(ran, f"{module.__name__}.{name}"))
    monkeypatch.setattr(build, "require_toolchain", lambda: None)
    monkeypatch.setattr(requirements, "missing", lambda: "")
    assert testing.test(["long"]) == 0
    assert ran == [
        "devtools.testing.install_tools",
        "devtools.rules.test",
        "devtools.testing._soak",
        "lab.compose.test",
    ]
    assert "./dev test long: tools ok (0.0 s), rules ok" in capsys.readouterr().out
