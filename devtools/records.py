"""Records of the background processes, by which a later command recognizes them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devtools import layout


@dataclass(frozen=True)
class ProcessRecord:
    """A process that `./dev` started. Its pid, start time and boot id together identify it."""

    pid: int
    start_ticks: int
    boot: str
    argv: list[str]
    log_offset: int
    notes: dict[str, str] = field(default_factory=dict)

    def alive(self) -> bool:
        """Whether exactly this process is still running."""
        found = stat(self.pid)
        return found is not None and found.ticks == self.start_ticks and self.boot == boot_id()


@dataclass(frozen=True)
class ProcessStat:
    """The session and the start time of a process, in clock ticks since boot."""

    session: int
    ticks: int


def stat(pid: int) -> ProcessStat | None:
    """Read /proc for a process. A zombie does not count as a process."""
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
    except OSError:
        return None


def parse_stat(text: str) -> ProcessStat | None:
    """Parse /proc/PID/stat. The second field is a name in parentheses, which may contain spaces and parentheses."""
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return ProcessStat(session=int(fields[3]), ticks=int(fields[19]))


def boot_id() -> str:
    """The kernel's identifier of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _file(name: str) -> Path:
    return layout.RUN / f"{name}.json"


def last(name: str) -> ProcessRecord | None:
    """The last process that was started under this name, whether it is still running or not."""
    try:
        return ProcessRecord(**json.loads(_file(name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running(name: str) -> ProcessRecord | None:
    """The process that was started under this name, if it is still running."""
    record = last(name)
    return record if record and record.alive() else None


def write(name: str, record: ProcessRecord) -> None:
    """Store a record; a reader never sees half of it."""
    layout.RUN.mkdir(parents=True, exist_ok=True)
    draft = _file(name).with_suffix(".new")
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n")
    draft.replace(_file(name))


def forget(name: str) -> None:
    """Delete the record of a process that has ended."""
    _file(name).unlink(missing_ok=True)
