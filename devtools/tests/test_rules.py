"""Patches that remove a rule, and the output of their tests."""

from pathlib import Path

import pytest

from devtools import rules
from devtools.console import CliError

_OUTPUT = """\
running 2 tests
test orders::one ... ok
test orders::two ... FAILED
test result: FAILED. 1 passed; 1 failed
"""


def test_a_patch_begins_with_its_rule_and_its_test() -> None:
    rule = rules.parse(Path("1.patch"), "A rule.\nTest: -p service-order --test api name\n---\n")
    assert rule == rules.Rule(Path("1.patch"), "A rule.", ["-p", "service-order", "--test", "api", "name"])


def test_a_patch_without_a_test_is_refused() -> None:
    with pytest.raises(CliError, match=r"second line of 1\.patch does not name the test"):
        rules.parse(Path("1.patch"), "A rule.\n--- a\n")


def test_every_patch_of_this_repository_can_be_read() -> None:
    every = rules.every_rule()
    assert len(every) >= 14
    assert all(rule.text and rule.test[0] == "-p" for rule in every)


@pytest.mark.parametrize(
    ("text", "outcome"), [(_OUTPUT, "FAILED"), ("test result: ok. 1 passed", "ok"), ("error: could not compile", "")]
)
def test_the_outcome_is_read_from_the_output(text: str, outcome: str) -> None:
    assert rules.outcome(text) == outcome


def test_the_failed_tests_are_named() -> None:
    assert rules.failed_tests(_OUTPUT) == ["orders::two"]


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(CliError, match=r"no patch in .* has such a name"):
        rules.test(["no-such-rule"])
