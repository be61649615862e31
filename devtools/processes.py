"""Background processes that outlive this command, and the records by which the next one knows them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import layout
from .interrupts import deferred

LOG_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """A process we started. Pid, start time and boot together never name another process."""

    pid: int
    start_ticks: int
    boot: str
    argv: list[str]
    log_offset: int
    notes: dict[str, str] = field(default_factory=dict)

    def alive(self) -> bool:
        """Whether that very process still runs."""
        stat = _stat(self.pid)
        return stat is not None and stat.ticks == self.start_ticks and self.boot == _boot()


@dataclass(frozen=True)
class _Stat:
    session: int
    ticks: int


def _stat(pid: int) -> _Stat | None:
    """A living process' session and start time; a zombie is not living."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return _Stat(session=int(fields[3]), ticks=int(fields[19]))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _record_file(name: str) -> Path:
    return layout.RUN / f"{name}.json"


def last_record(name: str) -> Record | None:
    """The process of that name that was started last, whether it still runs or not."""
    try:
        return Record(**json.loads(_record_file(name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running(name: str) -> Record | None:
    """The process of that name that we started, if it still runs."""
    record = last_record(name)
    return record if record and record.alive() else None


def _write(name: str, record: Record) -> None:
    layout.RUN.mkdir(parents=True, exist_ok=True)
    draft = _record_file(name).with_suffix(".new")
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n")
    draft.replace(_record_file(name))


def forget(name: str) -> None:
    """Drop the record of a process that has ended."""
    _record_file(name).unlink(missing_ok=True)


def _open_log(name: str) -> tuple[int, int]:
    """The log's file descriptor and where this start's lines begin; a long log is put aside first."""
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    path = layout.log_file(name)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return handle, os.fstat(handle).st_size


def spawn(name: str, argv: Sequence[str], env: Mapping[str, str], notes: Mapping[str, str]) -> Record:
    """Start a process in a session of its own and record it; a signal cannot come between the two."""
    with deferred():
        log, offset = _open_log(name)
        try:
            child = subprocess.Popen(
                list(argv),
                cwd=layout.ROOT,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        stat = _stat(child.pid)
        ticks = stat.ticks if stat else -1
        record = Record(child.pid, ticks, _boot(), list(argv), offset, dict(notes))
        _write(name, record)
        return record


def _session_members(session: int) -> list[int]:
    """Living processes of a session: a piece and whatever it started."""
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid in pids if (stat := _stat(pid)) and stat.session == session]


def _signal(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def stop(names_and_grace: Mapping[str, float]) -> dict[str, str]:
    """Stop processes side by side: SIGTERM, each its time to end, then SIGKILL. Says how each ended."""
    living = {name: record for name in names_and_grace if (record := running(name))}
    _signal((record.pid for record in living.values()), signal.SIGTERM)
    begin, ended = time.monotonic(), {}
    while living:
        for name, record in list(living.items()):
            members = _session_members(record.pid)
            spent = time.monotonic() - begin
            if not members:
                ended.setdefault(name, f"stopped in {spent:.1f} s")
                del living[name]
            elif spent > names_and_grace[name]:
                ended[name] = f"killed: it did not stop within {names_and_grace[name]:.0f} s"
                _signal(members, signal.SIGKILL)
        time.sleep(0.05)
    for name in names_and_grace:
        forget(name)
    return ended


def await_burial(pids: Iterable[int]) -> None:
    """Give init a moment to remove ended processes from the process table."""
    patience = time.monotonic() + 3
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and time.monotonic() < patience:
            time.sleep(0.02)
