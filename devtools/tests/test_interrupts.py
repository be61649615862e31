"""Signals that wait, and signals without effect."""

import os
import signal
from collections.abc import Iterator

import pytest

from devtools import interrupts
from devtools.interrupts import Interrupted


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(signum) for signum in signals]
    interrupts.install()
    yield
    for signum, handler in zip(signals, before, strict=True):
        signal.signal(signum, handler)


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_interrupts() -> None:
    with pytest.raises(Interrupted, match="SIGTERM"):
        _terminate()


def test_a_deferred_signal_takes_effect_at_the_end_of_the_outer_block() -> None:
    done = []
    with pytest.raises(Interrupted) as interrupted, interrupts.deferred():
        with interrupts.deferred():
            _terminate()
            done.append("inner block")
        done.append("outer block")
    assert done == ["inner block", "outer block"]
    assert interrupted.value.signum == signal.SIGTERM


def test_an_ignored_signal_has_no_effect() -> None:
    with interrupts.ignored():
        _terminate()
    with interrupts.deferred():
        pass


def test_no_error_handler_catches_an_interrupt() -> None:
    assert not issubclass(Interrupted, Exception)
