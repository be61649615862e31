"""`./dev test rules`: takes a rule of the design out of the code, and looks whether its test finds that."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import build, console, layout, lock, tools
from .console import Trouble

PATCHES = layout.ROOT / "testing" / "rules"
_TREE = layout.cache_dir() / "rules" / "tree"
# Of its own: nothing else may run programs that lack a rule.
_TARGET = _TREE.with_name("target")


@dataclass(frozen=True)
class Rule:
    """A patch that breaks one rule; its first two lines say which, and the test that must fail then."""

    patch: Path
    says: str
    test: list[str]


def every_rule() -> list[Rule]:
    """All rules that have a patch, in their order."""
    rules = []
    for patch in sorted(PATCHES.glob("*.patch")):
        says, _, rest = patch.read_text().partition("\n")
        first, _, _ = rest.partition("\n")
        if not first.startswith("Test: "):
            raise Trouble(f"{patch}: its second line does not name the test")
        rules.append(Rule(patch, says, first.removeprefix("Test: ").split()))
    return rules


def test(words: Sequence[str]) -> int:
    """Each rule, or those whose patch's name contains one of the words, in a copy of the sources."""
    chosen = [rule for rule in every_rule() if not words or any(word in rule.patch.stem for word in words)]
    if not chosen:
        raise Trouble(f"no patch in {PATCHES} is called so")
    tools.install(for_tests=True)
    build.require_toolchain()
    with lock.held(_TREE.with_name("lock")):
        _copy_sources()
        for words in sorted({tuple(rule.test) for rule in chosen}):
            _must_pass_with_all_rules(words)
        missed = [rule.says for rule in chosen if not _is_found(rule)]
    for says in missed:
        console.warn(f"taken out, and no test fails: {says}")
    console.say(f"rules: {len(chosen) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=layout.ROOT, capture_output=True, text=True, check=False)


def _copy_sources() -> None:
    """The files as they are now, without what git ignores."""
    shutil.rmtree(_TREE, ignore_errors=True)
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0"):
        source, target = layout.ROOT / name, _TREE / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)  # with today's time: what cargo has built of it may be of a patched one


def _run(test: Sequence[str], log_name: str) -> tuple[str, Path]:
    """Runs a test in the copy; what it printed, and where that is."""
    log = layout.LOGS / f"rule-{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        words = [sys.executable, "dev", "test", *test]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(_TARGET)}
        subprocess.run(words, cwd=_TREE, env=environment, stdout=output, stderr=output, check=False)
    return log.read_text(errors="replace"), log


def _must_pass_with_all_rules(test: Sequence[str]) -> None:
    """A test that fails anyway finds nothing."""
    console.step(f"with all rules: {test[-1]}")
    text, log = _run(test, f"none-{test[-1].strip(':')}")
    if "test result: FAILED" in text or "test result: ok" not in text:
        raise Trouble(f"`./dev test {' '.join(test)}` fails with all rules in place; see {log}")


def _is_found(rule: Rule) -> bool:
    """Breaks the rule, runs its test, and mends it again."""
    console.step(f"without: {rule.says}")
    begin = time.monotonic()
    _patch(rule)
    try:
        text, log = _run(rule.test, rule.patch.stem)
    finally:
        _patch(rule, "--reverse")
    found = "test result: FAILED" in text
    if not found and "test result: ok" not in text:
        raise Trouble(f"{rule.patch.name}: does the code compile without the rule? Its test did not run; see {log}")
    failed = [line.split()[1] for line in text.splitlines() if line.startswith("test ") and line.endswith("FAILED")]
    took = console.elapsed(time.monotonic() - begin)
    console.step(f"  {'found by ' + ', '.join(failed) if found else 'NOT FOUND'} ({took})")
    return found


def _patch(rule: Rule, *options: str) -> None:
    words = ["git", "apply", *options, str(rule.patch)]
    apart = {**os.environ, "GIT_CEILING_DIRECTORIES": str(_TREE.parent)}
    done = subprocess.run(words, cwd=_TREE, env=apart, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"{rule.patch.name} does not fit the code any more: {done.stderr.strip()}")


def do_not_fit() -> list[str]:
    """The patches that no longer apply to the code as it is."""
    return [rule.patch.name for rule in every_rule() if _git("apply", "--check", str(rule.patch)).returncode]
