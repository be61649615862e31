"""Run a program and capture what it prints."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from devtools import layout
from devtools.console import CliError
from lab import settings

_NOT_FOUND = 127


def capture(
    words: Sequence[str], environment: Mapping[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository; return its exit code and output. A missing program has the exit code 127."""
    merged = {**os.environ, **(environment or {})}
    try:
        return subprocess.run(
            list(words), cwd=layout.ROOT, env=merged, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as missing:
        return subprocess.CompletedProcess(list(words), _NOT_FOUND, "", str(missing))
    except subprocess.TimeoutExpired as slow:
        raise CliError(f"`{' '.join(words)}` took longer than {timeout:.0f} s") from slow


def in_node(number: int, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program in the network of a node, where `localhost` is that node."""
    return capture(["nsenter", f"--net=/run/netns/{settings.node(number)}", *words], {}, timeout)
