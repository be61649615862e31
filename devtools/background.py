"""Start and stop background processes, which keep running after this command."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devtools import layout, records
from devtools.interrupts import deferred
from devtools.records import ProcessRecord

LOG_LIMIT = 20 * 1024 * 1024


def _open_log(name: str) -> tuple[int, int]:
    """The file descriptor of a log, and the offset where this start's output begins. A long log is renamed first."""
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    path = layout.log_file(name)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return handle, os.fstat(handle).st_size


def start(name: str, argv: Sequence[str], env: Mapping[str, str], notes: Mapping[str, str]) -> ProcessRecord:
    """Start a process in its own session and record it. A signal cannot come between the two."""
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
        stat = records.stat(child.pid)
        ticks = stat.ticks if stat else -1
        record = ProcessRecord(child.pid, ticks, records.boot_id(), list(argv), offset, dict(notes))
        records.write(name, record)
        return record


def _session_members(session: int) -> list[int]:
    """The running processes of a session: a process and its descendants."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if (stat := records.stat(pid)) and stat.session == session]


def _signal(pids: Iterable[int], signum: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def stop(names_and_grace: Mapping[str, float]) -> dict[str, str]:
    """Stop processes together: SIGTERM, then SIGKILL after the grace period of each. Return how each one ended."""
    living = {name: record for name in names_and_grace if (record := records.running(name))}
    _signal((record.pid for record in living.values()), signal.SIGTERM)
    begin = time.monotonic()
    ended: dict[str, str] = {}
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
        records.forget(name)
    return ended


def wait_until_reaped(pids: Iterable[int]) -> None:
    """Wait up to 3 s for init to remove ended processes from the process table."""
    deadline = time.monotonic() + 3
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
