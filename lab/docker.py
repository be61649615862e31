"""The docker command, sent to one of the lab's daemons."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from devtools.console import CliError
from lab import settings
from lab.execute import capture


def socket(daemon: str) -> Path:
    """The socket on which a daemon listens."""
    return settings.RUN / f"{daemon}.sock"


def environment(daemon: str) -> dict[str, str]:
    """Variables that send the docker command to a daemon, and the lab's values for the variables of the stack file."""
    return {"DOCKER_HOST": f"unix://{socket(daemon)}", "ORCHESTRATOR_PORT": "0", "DOCKER_BUILDKIT": "0"}


def attempt(daemon: str, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a docker command on a daemon; the caller checks the exit code."""
    return capture(["docker", *words], environment(daemon), timeout)


def run(daemon: str, *words: str, timeout: float = 600) -> str:
    """Run a docker command on a daemon and return what it prints. Raise a CLI error if it fails."""
    done = attempt(daemon, *words, timeout=timeout)
    if done.returncode:
        raise CliError(f"`docker {' '.join(words)}` at {daemon} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def manager(*words: str, timeout: float = 600) -> str:
    """Run a docker command on the first node, which manages the Swarm."""
    return run(settings.node(1), *words, timeout=timeout)


def at_manager(
    *words: str, timeout: float = 600, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the repository whose docker commands go to the first node."""
    return capture(words, {**environment(settings.node(1)), **(variables or {})}, timeout)


def image_id(daemon: str, image: str) -> str:
    """The id of an image on a daemon; empty if the daemon does not have it."""
    done = attempt(daemon, "image", "inspect", "-f", "{{.Id}}", image)
    return done.stdout.strip() if done.returncode == 0 else ""
