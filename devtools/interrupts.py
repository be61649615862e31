"""Ctrl-C, SIGTERM and SIGHUP as an exception that cannot fall between a start and its record."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(BaseException):
    """Someone asked this command to end. Not an `Exception`: no handler of errors may swallow it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


class _State:
    """How many `deferred` blocks are open, and the signal that waits for them to close."""

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
    """A signal that comes inside this block takes effect at its end."""
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
    """A signal that comes inside this block has no effect: we are already cleaning up."""
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
        _State.waiting = None
