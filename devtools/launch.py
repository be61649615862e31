"""Starting pieces so that a failure in the middle leaves nothing of this start behind."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from . import console, layout, processes
from .console import Trouble
from .interrupts import Interrupted, deferred, ignored
from .pieces import Health, Piece


class Launch:
    """What this command started."""

    def __init__(self) -> None:
        self.started: list[Piece] = []

    def start(self, piece: Piece) -> None:
        """Start a piece and remember that it was us."""
        piece.prepare()
        with deferred():
            self.started.append(piece)
            record = piece.start()
        console.step(f"{piece.name}: started, pid {record.pid}")

    def wait_until_up(self, pieces: Sequence[Piece]) -> None:
        """Wait until each of these works; trouble if one ends or takes too long."""
        begin, told, waiting = time.monotonic(), time.monotonic(), list(pieces)
        while waiting:
            for piece in list(waiting):
                state = piece.health() if piece.running() else None
                if state is None:
                    raise Trouble(f"{piece.name} ended before it was UP{_log_end(piece)}")
                if state.up and piece.running():
                    waiting.remove(piece)
                    console.step(f"{piece.name}: UP on port {piece.ports[0]}")
                elif time.monotonic() - begin > piece.start_limit:
                    limit = f"{piece.start_limit:.0f} s"
                    raise Trouble(f"{piece.name} is not UP after {limit}: {state.detail}{_log_end(piece)}")
                elif time.monotonic() - told > 10:
                    told = time.monotonic()
                    console.step(f"waiting for {_summary(piece, state)}")
            if waiting:
                time.sleep(0.1)

    def undo(self) -> None:
        """Stop what this command started."""
        stop_in_order(self.started)
        self.started.clear()


def stop_in_order(pieces: Iterable[Piece]) -> bool:
    """Stop those that run, the services before what they use; whether there was one."""
    stopped = False
    for _, group in groupby(sorted(pieces, key=lambda piece: piece.stop_rank), key=lambda piece: piece.stop_rank):
        grace = {piece.name: piece.stop_grace for piece in group}
        running = [name for name in grace if processes.running(name)]
        if running:
            console.step(f"stopping {', '.join(running)}")
        for name, how in processes.stop(grace).items():
            console.step(f"{name}: {how}")
            stopped = True
    return stopped


def _summary(piece: Piece, state: Health) -> str:
    return f"{piece.name} ({state.detail})" if state.detail else piece.name


def _log_end(piece: Piece) -> str:
    """The last lines that this start wrote, and where the log is."""
    path = layout.log_file(piece.name)
    record = processes.last_record(piece.name)
    lines = console.last_lines(path, record.log_offset if record else 0)
    shown = "".join(f"\n    {line}" for line in lines)
    return f"; the end of {path}:{shown or ' (nothing)'}"


@contextmanager
def all_or_nothing() -> Iterator[Launch]:
    """If this block fails or is interrupted, what it started is stopped again."""
    launch = Launch()
    try:
        yield launch
    except BaseException as failure:
        if launch.started:
            with ignored():
                why = failure if isinstance(failure, Interrupted) else "failed"
                console.step(f"{why}: stopping what this command started")
                launch.undo()
        raise
