"""Debian packages, asked for only when a program is missing."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable

from . import console
from .console import Trouble

_APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0"]
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_updated = False


def _by_hand(packages: Iterable[str]) -> str:
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def _as_root() -> list[str] | None:
    """What to put before a command so that root runs it; None if we cannot become root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    if sys.stdin.isatty():
        return ["sudo"]
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def install(packages: Iterable[str]) -> None:
    """Install packages with apt, or say which command does it."""
    global _updated
    packages = sorted(set(packages))
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise Trouble(f"this is not a Debian system; install what Debian calls {', '.join(packages)} yourself")
    prefix = _as_root()
    if prefix is None:
        raise Trouble(f"packages are missing and we are not root; run: {_by_hand(packages)}")
    console.step(f"installing Debian packages: {' '.join(packages)}")
    if not _updated:
        # A broken extra source must not stop us: what counts is whether the install below works.
        if _apt(prefix, ["update"]):
            console.warn("`apt-get update` failed; going on with the package lists that are there")
        _updated = True
    if _apt(prefix, ["install", "-y", "--no-install-recommends", *packages]):
        raise Trouble(f"apt could not install the packages; try: {_by_hand(packages)}")


def _apt(prefix: list[str], arguments: list[str]) -> int:
    words = [*_APT, "-q", *arguments]
    if prefix:
        words = [*prefix, "env", *(f"{name}={value}" for name, value in _QUIET.items()), *words]
    console.say("  $ " + shlex.join(words))
    return console.run(words, env=_QUIET, foreground=bool(prefix))
