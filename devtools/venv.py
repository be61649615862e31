"""Private Python environments in the tools folder."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from devtools import console


def can_create(python: str = sys.executable) -> bool:
    """Whether this Python can create environments. Debian puts that into the package python3-venv."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0


def create(home: Path, requirements: Sequence[str]) -> None:
    """Create an environment with these packages from PyPI, in place of an existing one."""
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    python = sys.executable if can_create() else "/usr/bin/python3"
    console.must_run([python, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "5"]
    console.must_run([*pip, *requirements])
