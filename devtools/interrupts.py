"""Ctrl-C, SIGTERM and SIGHUP as an exception that cannot occur between the start of a process and its record."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(BaseException):
    """A request to end this command. It is not an `Exception`, so no error handler catches it by accident."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


class _State:
    """The number of open blocks, and the signal that waits for their end."""

    depth = 0
    waiting: int | None = None


def _on_signal(signum: int, _frame: object) -> None:
    if _State.depth:
        _State.waiting = signum
    else:
        raise Interrupted(signum)


def install() -> None:
    """Turn the signals that end a command into `Interrupted`."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _on_signal)


@contextmanager
def deferred() -> Iterator[None]:
    """A block in which a signal waits: it takes effect at the end of the block."""
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
    if _State.waiting is not None and not _State.depth:
        signum, _State.waiting = _State.waiting, None
        raise Interrupted(signum)


@contextmanager
def ignored() -> Iterator[None]:
    """A block in which a signal has no effect, because the command is already cleaning up."""
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
        _State.waiting = None
