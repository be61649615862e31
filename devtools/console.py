"""Output for the user, and commands whose output the user sees."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from devtools import layout
from devtools.interrupts import Interrupted, ignored

_BEGIN = time.monotonic()
_MINUTE = 60


class CliError(Exception):
    """An error that the user can understand and fix. Only its text is printed, without a traceback."""


def step(text: str) -> None:
    """Print one line of progress, with the time since the command began."""
    print(f"[{time.monotonic() - _BEGIN:6.1f}s] {text}", flush=True)


def say(text: str = "") -> None:
    """Print a line."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line to standard error."""
    sys.stdout.flush()
    print(f"./dev: {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    output: Path | None = None,
    foreground: bool = False,
) -> int:
    """Run a command in the repository and return its exit code.

    Its output is shown, or appended to the file `output`. It gets its own process group, because `./dev` decides what
    a Ctrl-C does to it and its children. With `foreground` it stays in the group of `./dev` and may ask for a password.
    """
    sys.stdout.flush()
    with ExitStack() as opened:
        sink = opened.enter_context(output.open("ab")) if output else None
        try:
            child = subprocess.Popen(
                list(argv),
                cwd=layout.ROOT,
                env={**os.environ, **(env or {})},
                stdin=None if foreground else subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT if sink else None,
                process_group=None if foreground else 0,
            )
        except FileNotFoundError as missing:
            raise CliError(f"`{argv[0]}` was not found") from missing
        try:
            return child.wait()
        except Interrupted:
            _end(child, group=not foreground)
            raise


def _end(child: subprocess.Popen[bytes], group: bool) -> None:
    """Stop a command with SIGTERM, then with SIGKILL; with `group` also its children."""
    with ignored():
        for signum, limit in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            _send(child.pid, signum, group)
            try:
                child.wait(limit)
                break
            except subprocess.TimeoutExpired:
                continue
        deadline = time.monotonic() + 2
        while group and _send(child.pid, 0, group) and time.monotonic() < deadline:
            time.sleep(0.05)
        if group:
            _send(child.pid, signal.SIGKILL, group)


def _send(pid: int, signum: int, group: bool) -> bool:
    """Send a signal to a process or its group; return whether it exists."""
    try:
        (os.killpg if group else os.kill)(pid, signum)
    except ProcessLookupError:
        return False
    return True


def must_run(argv: Sequence[str], env: Mapping[str, str] | None = None, output: Path | None = None) -> None:
    """Run a command as `run` does. Raise a CLI error if it fails."""
    code = run(argv, env=env, output=output)
    if code:
        where = f"; see {output}" if output else ""
        raise CliError(f"`{shlex.join(argv)}` failed with exit code {code}{where}")


def elapsed(seconds: float) -> str:
    """A duration, for instance "1.5 s" or "2 min 5 s"."""
    return f"{seconds:.1f} s" if seconds < _MINUTE else f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"


def last_lines(path: Path, offset: int = 0, count: int = 20) -> list[str]:
    """The last lines of a log, without lines from before `offset`."""
    try:
        with path.open("rb") as log:
            log.seek(max(offset, path.stat().st_size - 64 * 1024))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []
