"""`./dev lint`: every check that does not run the product."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from devtools import build, commits, console, layout, lint_tools, phases, rules, tools

# Folders that contain no sources of this project.
_SKIPPED = {".git", ".dev", "target", "__pycache__"}
_SHELLS = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash", b"#!/usr/bin/env sh")


@dataclass(frozen=True)
class Check:
    """A named check, which returns an exit code."""

    name: str
    run: Callable[[], int]


@dataclass(frozen=True)
class Command:
    """A command that must succeed."""

    words: list[str]

    def __call__(self) -> int:
        """Run the command; return its exit code."""
        return console.run(self.words)


@dataclass(frozen=True)
class Cargo:
    """A cargo command that must succeed. It waits for other commands that use the build directory."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> int:
        """Run the command; return its exit code."""
        return console.run(["cargo", *self.words], env={**build.cargo_environment(), **self.environment})


def lint(advisories: bool = False) -> int:
    """Run all checks, even when an earlier one failed, and name those that failed."""
    build.require_toolchain()
    lint_tools.install()
    failed = [check.name for check in _checks(advisories) if not _passes(check)]
    if failed:
        console.warn(f"lint failed: {', '.join(failed)}")
    return 1 if failed else 0


def _checks(advisories: bool) -> list[Check]:
    """The quick checks come first."""
    ruff, mypy = str(lint_tools.python_tool("ruff")), str(lint_tools.python_tool("mypy"))
    deny = [str(lint_tools.cargo_tool("cargo-deny")), "check", "bans", "licenses", "sources"]
    return [
        Check("commit subjects", partial(_report, commits.faults)),
        Check("rule patches", partial(_report, _outdated_patches)),
        Check("python format", Command([ruff, "format", "--check"])),
        Check("python", Command([ruff, "check"])),
        Check("python types", Command([mypy])),
        Check("shell", Command([tools.require("shellcheck"), *map(str, shell_scripts(layout.ROOT))])),
        Check("workflows", _workflows),
        Check("unused dependencies", Command([str(lint_tools.cargo_tool("cargo-machete")), "--skip-target-dir"])),
        Check("format", Cargo(["fmt", "--all", "--check"])),
        Check("clippy", Cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
        Check("doc", Cargo(["doc", "--workspace", "--no-deps"], {"RUSTDOCFLAGS": "-D warnings"})),
        Check("deny", Command([*deny, "advisories"] if advisories else deny)),
    ]


def _passes(check: Check) -> bool:
    console.step(f"lint: {check.name}")
    begin = time.monotonic()
    code = phases.exit_code(check.run)
    console.step(f"lint: {check.name} {'FAILED' if code else 'ok'} in {console.elapsed(time.monotonic() - begin)}")
    return code == 0


def _report(faults: Callable[[], list[str]]) -> int:
    """Print the faults; return 1 if there are any."""
    found = faults()
    for fault in found:
        console.say(fault)
    return 1 if found else 0


def _outdated_patches() -> list[str]:
    return [f"testing/rules/{patch} no longer applies to the code" for patch in rules.outdated_patches()]


def shell_scripts(root: Path) -> Iterator[Path]:
    """Every shell script of the repository, recognized by its file extension or its first line."""
    for folder, folders, files in os.walk(root):
        base = Path(folder)
        folders[:] = sorted(set(folders) - _SKIPPED)
        yield from (base / name for name in sorted(files) if _is_shell_script(base / name))


def _is_shell_script(path: Path) -> bool:
    if path.suffix:
        return path.suffix == ".sh"
    with path.open("rb") as file:
        return file.readline().rstrip() in _SHELLS


def _workflows() -> int:
    """Run actionlint. It needs Go, which only CI must have."""
    workflows = sorted((layout.ROOT / ".github" / "workflows").glob("*.yml"))
    if not workflows:
        return 0
    go = tools.find_go()
    if go is None:
        console.step("lint: workflows left out: `go` was not found")
        return 1 if os.environ.get("CI") else 0
    return console.run([str(lint_tools.actionlint(go)), *map(str, workflows)])
