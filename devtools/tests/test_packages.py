"""How Debian packages are installed, without installing one."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from devtools import console, packages
from devtools.console import CliError


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that would have run, on a machine with only the programs of a temporary folder."""
    seen: list[list[str]] = []
    monkeypatch.setenv("PATH", str(tmp_path))

    def record(argv: list[str], env: Mapping[str, str], foreground: bool) -> int:
        assert env == {"DEBIAN_FRONTEND": "noninteractive"}
        assert foreground == (argv[0] == "sudo")
        seen.append(argv)
        return 0

    monkeypatch.setattr(console, "run", record)
    packages._update.cache_clear()
    return seen


def _program(folder: Path, name: str, exit_code: int = 0) -> None:
    (folder / name).write_text(f"#!/bin/sh\nexit {exit_code}\n")
    (folder / name).chmod(0o755)


def test_nothing_is_done_without_packages(commands: list[list[str]]) -> None:
    packages.install([])
    assert commands == []


@pytest.mark.usefixtures("commands")
def test_another_system_is_told_the_packages() -> None:
    with pytest.raises(CliError, match="this is not a Debian system; install the programs of these packages: a, b"):
        packages.install(["b", "a", "b"])


def test_root_updates_the_lists_once(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.install(["b", "a"])
    packages.install(["c"])
    ends = [" ".join(command).split("-q ")[1] for command in commands]
    assert ends == ["update", "install -y --no-install-recommends a b", "install -y --no-install-recommends c"]


def test_a_user_without_sudo_is_told_the_command(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CliError, match=r"not root; run: sudo apt-get update && sudo apt-get install .* a b"):
        packages.install(["a", "b"])
    assert commands == []


def test_sudo_passes_the_environment(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "apt-get")
    _program(tmp_path, "sudo")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    packages.install(["a"])
    assert commands[0][:4] == ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
