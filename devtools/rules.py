"""`./dev test rules`: remove one rule of the design from the code at a time, and require that its test fails."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools import build, console, layout, lock, tools
from devtools.console import CliError

PATCHES = layout.ROOT / "testing" / "rules"
_TREE = layout.cache_dir() / "rules" / "tree"
# A separate build directory: no other command may run a program that lacks a rule.
_TARGET = _TREE.with_name("target")


@dataclass(frozen=True)
class Rule:
    """A patch that removes one rule, the text of the rule, and the test that must then fail."""

    patch: Path
    text: str
    test: list[str]


def every_rule() -> list[Rule]:
    """All rules that have a patch, in the order of their numbers."""
    return [parse(patch, patch.read_text()) for patch in sorted(PATCHES.glob("*.patch"))]


def parse(patch: Path, content: str) -> Rule:
    """Read the first line of a patch, which states the rule, and the second, which names the test."""
    text, _, rest = content.partition("\n")
    second, _, _ = rest.partition("\n")
    if not second.startswith("Test: "):
        raise CliError(f"the second line of {patch} does not name the test")
    return Rule(patch, text, second.removeprefix("Test: ").split())


def test(words: Sequence[str]) -> int:
    """Check every rule, or those whose patch name contains one of the words, in a copy of the sources."""
    chosen = [rule for rule in every_rule() if not words or any(word in rule.patch.stem for word in words)]
    if not chosen:
        raise CliError(f"no patch in {PATCHES} has such a name")
    tools.install(for_tests=True)
    build.require_toolchain()
    with lock.held(_TREE.with_name("lock")):
        _copy_sources()
        for tested in sorted({tuple(rule.test) for rule in chosen}):
            _must_pass_with_all_rules(tested)
        missed = [rule.text for rule in chosen if not _is_found(rule)]
    for text in missed:
        console.warn(f"no test fails without this rule: {text}")
    console.say(f"rules: {len(chosen) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=layout.ROOT, capture_output=True, text=True, check=False)


def _copy_sources() -> None:
    """Copy the current files, except those that git ignores."""
    shutil.rmtree(_TREE, ignore_errors=True)
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0"):
        source, target = layout.ROOT / name, _TREE / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            # The file gets the current time, so cargo rebuilds it: the last build may have used a patched source.
            shutil.copyfile(source, target)


def _run(test: Sequence[str], log_name: str) -> tuple[str, Path]:
    """Run a test in the copy; return its output and the path of its log."""
    log = layout.LOGS / f"rule-{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        words = [sys.executable, "dev", "test", *test]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(_TARGET)}
        subprocess.run(words, cwd=_TREE, env=environment, stdout=output, stderr=output, check=False)
    return log.read_text(errors="replace"), log


def _must_pass_with_all_rules(test: Sequence[str]) -> None:
    """A test that always fails would prove nothing."""
    console.step(f"with all rules: {test[-1]}")
    text, log = _run(test, f"none-{test[-1].strip(':')}")
    if outcome(text) != "ok":
        raise CliError(f"`./dev test {' '.join(test)}` fails with all rules in place; see {log}")


def outcome(text: str) -> str:
    """The result in the output of `cargo test`: ok, FAILED, or empty if no test ran."""
    if "test result: FAILED" in text:
        return "FAILED"
    return "ok" if "test result: ok" in text else ""


def failed_tests(text: str) -> list[str]:
    """The names of the failed tests in the output of `cargo test`."""
    return [line.split()[1] for line in text.splitlines() if line.startswith("test ") and line.endswith("FAILED")]


def _is_found(rule: Rule) -> bool:
    """Remove a rule, run its test, and restore the rule; return whether the test failed."""
    console.step(f"without: {rule.text}")
    begin = time.monotonic()
    _patch(rule)
    try:
        text, log = _run(rule.test, rule.patch.stem)
    finally:
        _patch(rule, "--reverse")
    if not outcome(text):
        raise CliError(f"{rule.patch.name}: the test did not run; maybe the code does not compile; see {log}")
    found = outcome(text) == "FAILED"
    took = console.elapsed(time.monotonic() - begin)
    console.step(f"  {'found by ' + ', '.join(failed_tests(text)) if found else 'NOT FOUND'} ({took})")
    return found


def _patch(rule: Rule, *options: str) -> None:
    words = ["git", "apply", *options, str(rule.patch)]
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(_TREE.parent)}
    done = subprocess.run(words, cwd=_TREE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CliError(f"{rule.patch.name} no longer applies to the code: {done.stderr.strip()}")


def outdated_patches() -> list[str]:
    """The patches that no longer apply to the current code."""
    return [rule.patch.name for rule in every_rule() if _git("apply", "--check", str(rule.patch)).returncode]
