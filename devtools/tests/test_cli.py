"""Sub-commands, their arguments, and their exit codes."""

import signal
from collections.abc import Sequence

import pytest

from devtools import cli, interrupts, status, up
from devtools.console import CliError
from devtools.interrupts import Interrupted


@pytest.fixture(autouse=True)
def _keep_signal_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "install", lambda: None)


def _fails_with(error: BaseException) -> cli.Command:
    def command(_words: Sequence[str]) -> int:
        raise error

    return command


@pytest.mark.parametrize("words", [[], ["nonsense"]])
def test_an_unknown_command_prints_the_help_and_returns_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "usage: ./dev COMMAND" in shown.err
    assert ("no command 'nonsense'" in shown.err) == bool(words)


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"], ["up", "--help"], ["status", "-h"]])
def test_help_goes_to_standard_output(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    assert capsys.readouterr().out.startswith("usage: ./dev COMMAND")


def test_the_help_names_every_command() -> None:
    for command in cli.COMMANDS:
        assert command.startswith("-") or f"\n  {command} " in cli.HELP


def test_a_flag_must_be_written_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def record(release: bool) -> int:
        seen.append(release)
        return 0

    monkeypatch.setattr(up, "up", record)
    assert cli.main(["up"]) == cli.main(["up", "--release"]) == 0
    assert seen == [False, True]
    with pytest.raises(SystemExit) as refused:
        cli.main(["up", "--rel"])
    assert refused.value.code == 2


def test_logs_takes_names_and_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], bool]] = []

    def record(names: list[str], follow: bool) -> int:
        seen.append((names, follow))
        return 0

    monkeypatch.setattr(status, "logs", record)
    assert cli.main(["logs"]) == cli.main(["logs", "redis", "-f"]) == 0
    assert seen == [([], False), (["redis"], True)]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CliError("the disk is full"), 1, "./dev: the disk is full\n"),
        (PermissionError(13, "Permission denied", "x"), 1, "./dev: Permission denied: x (did another user run"),
        (Interrupted(signal.SIGTERM), 143, "./dev: interrupted by SIGTERM\n"),
    ],
)
def test_an_expected_error_is_one_line(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "status", _fails_with(error))
    assert cli.main(["status"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith(line)
    assert shown.count("\n") == 1


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "status", _fails_with(KeyError("bug")))
    with pytest.raises(KeyError):
        cli.main(["status"])
