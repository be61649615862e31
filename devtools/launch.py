"""Start processes. After a failure, nothing that this command started is left running."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from devtools import background, console, layout, records
from devtools.console import CliError
from devtools.interrupts import Interrupted, deferred, ignored
from devtools.process import Health, Process

_REPORT_SECONDS = 10


class Launch:
    """The processes that this command started."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    def start(self, process: Process) -> None:
        """Start a process and remember it."""
        process.prepare()
        with deferred():
            self.started.append(process)
            record = process.start()
        console.step(f"{process.name}: started, pid {record.pid}")

    def wait_until_up(self, processes: Sequence[Process]) -> None:
        """Wait until each process works. Raise a CLI error if one ends or exceeds its time limit."""
        begin = reported = time.monotonic()
        waiting = list(processes)
        while waiting:
            for process in list(waiting):
                state = _health_before(process, begin + process.start_limit)
                if state.up:
                    waiting.remove(process)
                    console.step(f"{process.name}: UP on port {process.ports[0]}")
                elif time.monotonic() - reported > _REPORT_SECONDS:
                    reported = time.monotonic()
                    console.step(f"waiting for {_summary(process, state)}")
            if waiting:
                time.sleep(0.1)

    def undo(self) -> None:
        """Stop the processes that this command started."""
        stop_in_order(self.started)
        self.started.clear()


def _health_before(process: Process, deadline: float) -> Health:
    """The health of a process. Raise a CLI error if it has ended, or if it is not UP at the deadline."""
    state = process.health() if process.running() else None
    if state is None or (state.up and not process.running()):
        raise CliError(f"{process.name} ended before it was UP{_log_end(process)}")
    if not state.up and time.monotonic() > deadline:
        limit = f"{process.start_limit:.0f} s"
        raise CliError(f"{process.name} is not UP after {limit}: {state.detail}{_log_end(process)}")
    return state


def stop_in_order(processes: Iterable[Process]) -> bool:
    """Stop the running processes, the services before their servers. Return whether one was running."""
    stopped = False
    ranked = sorted(processes, key=lambda process: process.stop_rank)
    for _, group in groupby(ranked, key=lambda process: process.stop_rank):
        grace = {process.name: process.stop_grace for process in group}
        running = [name for name in grace if records.running(name)]
        if running:
            console.step(f"stopping {', '.join(running)}")
        for name, result in background.stop(grace).items():
            console.step(f"{name}: {result}")
            stopped = True
    return stopped


def _summary(process: Process, state: Health) -> str:
    return f"{process.name} ({state.detail})" if state.detail else process.name


def _log_end(process: Process) -> str:
    """The last lines of the log since the last start, and the path of the log."""
    path = layout.log_file(process.name)
    record = records.last(process.name)
    lines = console.last_lines(path, record.log_offset if record else 0)
    shown = "".join(f"\n    {line}" for line in lines)
    return f"; the end of {path}:{shown or ' (nothing)'}"


@contextmanager
def all_or_nothing() -> Iterator[Launch]:
    """A block that stops what it started if it fails or is interrupted."""
    launch = Launch()
    try:
        yield launch
    except BaseException as failure:
        if launch.started:
            with ignored():
                reason = failure if isinstance(failure, Interrupted) else "failed"
                console.step(f"{reason}: stopping the processes that this command started")
                launch.undo()
        raise
