"""One command at a time changes what runs."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import console, layout


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold an exclusive lock file, waiting for whoever has it. The kernel frees it when we end, however."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="ascii") as file:
        _acquire(file)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _acquire(file) -> None:  # noqa: ANN001 (an open text file)
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not told:
                file.seek(0)
                console.step(f"another ./dev is at work (pid {file.read() or 'unknown'}); waiting for it")
                told = True
            time.sleep(0.2)


def state():  # noqa: ANN201 (a context manager)
    """The lock on this checkout's processes and data."""
    return held(layout.STATE / "lock")
