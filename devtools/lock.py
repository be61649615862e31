"""Locks that let only one command change something at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from devtools import console, layout


@contextmanager
def held(path: Path) -> Iterator[None]:
    """A block with an exclusive lock file. It waits for the current holder. The kernel releases the lock at exit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as file:
        _acquire(file)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _acquire(file: TextIO) -> None:
    reported = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not reported:
                file.seek(0)
                console.step(f"waiting for another ./dev command (pid {file.read() or 'unknown'})")
                reported = True
            time.sleep(0.2)
        else:
            return


def state() -> AbstractContextManager[None]:
    """The lock on the processes and data of this checkout."""
    return held(layout.STATE / "lock")
