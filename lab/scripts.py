"""deploy/deploy.sh and deploy/diagnose.sh, as the checks use them."""

import subprocess
import tempfile
import time

from devtools.console import CliError
from lab import docker, settings, stack


def refused(done: subprocess.CompletedProcess[str], text: str) -> str:
    """Require a non-zero exit code and a one-line error that contains the text; return that line."""
    lines = done.stderr.strip().splitlines()
    if done.returncode == 0 or len(lines) != 1 or text not in lines[0]:
        raise CliError(f"exit code {done.returncode}, expected one line with {text!r}, got: {done.stderr.strip()}")
    return lines[0]


def deploy_with(override: str, *more: str, timeout: int = 60) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh with one more stack file, which has this content."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write('version: "3.8"\n' + override)
        file.flush()
        return stack.attempt_deploy(*more, file.name, timeout=timeout)


def diagnose(name: str = settings.STACK) -> subprocess.CompletedProcess[str]:
    """Run diagnose.sh on a stack."""
    return docker.at_manager("deploy/diagnose.sh", name)


def diagnosis(*causes: str, limit: float = 60) -> str:
    """Wait until diagnose.sh names all these causes and its exit code reports a fault; return the lines."""
    deadline = time.monotonic() + limit
    while True:
        done = diagnose()
        found = [line_with(cause, done.stdout) for cause in causes]
        if done.returncode and all(found):
            return "; ".join(found)
        if time.monotonic() > deadline:
            raise CliError(f"diagnose.sh did not find {causes}: {done.stdout} {done.stderr}")
        time.sleep(2)


def line_with(text: str, lines: str) -> str:
    """The first line that contains a text, without the spaces around it; empty if there is none."""
    return next((line.strip() for line in lines.splitlines() if text in line), "")
