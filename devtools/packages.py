"""Install Debian packages, only when a program is missing."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache

from devtools import console
from devtools.console import CliError

_APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0"]
_NONINTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive"}


def _manual_command(packages: Iterable[str]) -> str:
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def _root_prefix() -> list[str] | None:
    """The words to put before a command that must run as root; None if this user cannot become root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    if sys.stdin.isatty():
        return ["sudo"]
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def install(packages: Iterable[str]) -> None:
    """Install packages with apt. If that is impossible, the CLI error contains the command to run."""
    packages = sorted(set(packages))
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise CliError(f"this is not a Debian system; install the programs of these packages: {', '.join(packages)}")
    prefix = _root_prefix()
    if prefix is None:
        raise CliError(f"packages are missing and this user is not root; run: {_manual_command(packages)}")
    console.step(f"installing Debian packages: {' '.join(packages)}")
    _update(tuple(prefix))
    if _apt(prefix, ["install", "-y", "--no-install-recommends", *packages]):
        raise CliError(f"apt could not install the packages; try: {_manual_command(packages)}")


@cache
def _update(prefix: tuple[str, ...]) -> None:
    """Update the package lists once per command. A broken extra source does not matter if the install works."""
    if _apt(list(prefix), ["update"]):
        console.warn("`apt-get update` failed; continuing with the existing package lists")


def _apt(prefix: list[str], arguments: list[str]) -> int:
    words = [*_APT, "-q", *arguments]
    if prefix:
        words = [*prefix, "env", *(f"{name}={value}" for name, value in _NONINTERACTIVE.items()), *words]
    console.say("  $ " + shlex.join(words))
    return console.run(words, env=_NONINTERACTIVE, foreground=bool(prefix))
