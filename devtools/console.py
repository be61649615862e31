"""What the user sees, and foreground commands whose output they see as well."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import layout
from .interrupts import Interrupted, ignored

_BEGIN = time.monotonic()


class Trouble(Exception):
    """Something the user can understand and mend; printed as it is, without a traceback."""


def step(text: str) -> None:
    """One line of progress, with the time since the command began."""
    print(f"[{time.monotonic() - _BEGIN:6.1f}s] {text}", flush=True)


def say(text: str = "") -> None:
    """Plain output."""
    print(text, flush=True)


def warn(text: str) -> None:
    """One line to standard error."""
    sys.stdout.flush()
    print(f"./dev: {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    output: Path | None = None,
    foreground: bool = False,
) -> int:
    """Run a command in the repository and give back its exit code.

    Its output goes to ours, or is appended to the file `output`. It gets a process group of its own, so
    that we decide what a Ctrl-C does to it and to its children; `foreground` leaves it in ours, for
    commands that may ask for a password.
    """
    sys.stdout.flush()
    sink = open(output, "ab") if output else None  # noqa: SIM115 (closed below)
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
        try:
            return child.wait()
        except Interrupted:
            _end(child, group=not foreground)
            raise
    except FileNotFoundError as missing:
        raise Trouble(f"`{argv[0]}` was not found") from missing
    finally:
        if sink:
            sink.close()


def _end(child: subprocess.Popen, group: bool) -> None:
    """Stop a foreground command, politely first; with `group`, whatever it started as well."""
    with ignored():
        for signum, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            _send(child.pid, signum, group)
            try:
                child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        deadline = time.monotonic() + 2
        while group and _send(child.pid, 0, group) and time.monotonic() < deadline:
            time.sleep(0.05)
        if group:
            _send(child.pid, signal.SIGKILL, group)


def _send(pid: int, signum: int, group: bool) -> bool:
    """Signal a process or its group; whether there was one."""
    try:
        (os.killpg if group else os.kill)(pid, signum)
        return True
    except ProcessLookupError:
        return False


def must_run(argv: Sequence[str], env: Mapping[str, str] | None = None, output: Path | None = None) -> None:
    """Like `run`, but a failure is trouble."""
    code = run(argv, env=env, output=output)
    if code:
        where = f"; see {output}" if output else ""
        raise Trouble(f"`{shlex.join(argv)}` failed with exit code {code}{where}")


def elapsed(seconds: float) -> str:
    """A duration as a person would write it."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def last_lines(path: Path, offset: int = 0, count: int = 20) -> list[str]:
    """The end of a log, nothing from before `offset`."""
    try:
        with open(path, "rb") as log:
            log.seek(max(offset, path.stat().st_size - 64 * 1024))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []
