"""deploy/deploy.sh and deploy/diagnose.sh as the tests use them."""

import subprocess
import tempfile
import time

from ..console import Trouble
from . import lab, stack


def refused(done: subprocess.CompletedProcess[str], text: str) -> str:
    """One clear line and a non-zero exit code; the line."""
    lines = done.stderr.strip().splitlines()
    if done.returncode == 0 or len(lines) != 1 or text not in lines[0]:
        raise Trouble(f"exit code {done.returncode}, expected one line with {text!r}, got: {done.stderr.strip()}")
    return lines[0]


def deploy_with(override: str, *more: str, timeout: int = 60) -> subprocess.CompletedProcess[str]:
    """deploy.sh with one more override."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write('version: "3.8"\n' + override)
        file.flush()
        return stack.attempt_deploy(*more, file.name, timeout=timeout)


def diagnose() -> subprocess.CompletedProcess[str]:
    """diagnose.sh."""
    return lab.attempt(["deploy/diagnose.sh", lab.STACK], lab.environment(lab.node(1)))


def diagnosis(*causes: str, limit: float = 60) -> str:
    """diagnose.sh finds these causes, at once or when Swarm has noticed, and its exit code tells; the lines."""
    deadline = time.monotonic() + limit
    while True:
        done = diagnose()
        found = [_line_with(cause, done.stdout) for cause in causes]
        if done.returncode and all(found):
            return "; ".join(found)
        if time.monotonic() > deadline:
            raise Trouble(f"diagnose.sh did not find {causes}: {done.stdout} {done.stderr}")
        time.sleep(2)


def _line_with(cause: str, text: str) -> str:
    return next((line.strip() for line in text.splitlines() if cause in line), "")
