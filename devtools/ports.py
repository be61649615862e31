"""Who listens on a port."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .console import Trouble

_LISTEN = "0A"


@dataclass(frozen=True)
class _Listener:
    inode: str
    uid: int


def _listeners() -> dict[int, _Listener]:
    """Every listening TCP port of this machine, on whatever address."""
    found = {}
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, lines):
            if columns[3] == _LISTEN:
                port = int(columns[1].rpartition(":")[2], 16)
                found[port] = _Listener(inode=columns[9], uid=int(columns[7]))
    return found


def _holder(inode: str) -> int | None:
    """The process that has this socket open, as far as we may see."""
    wanted = f"socket:[{inode}]"
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            for handle in os.scandir(f"/proc/{entry}/fd"):
                if os.readlink(handle.path) == wanted:
                    return int(entry)
        except OSError:
            continue
    return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _describe(listener: _Listener) -> str:
    pid = _holder(listener.inode)
    if pid is None:
        return f"a process of user {_user(listener.uid)} that we may not look at"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = "ended meanwhile"
    command = " ".join(command.split())
    return f"pid {pid} ({command[:100]}{'…' if len(command) > 100 else ''})"


def require_free(wanted: Iterable[int]) -> None:
    """Trouble, in one line, if someone else listens on one of these ports."""
    listeners = _listeners()
    taken = [f"port {port} is taken by {_describe(listeners[port])}" for port in sorted(wanted) if port in listeners]
    if taken:
        raise Trouble("; ".join(taken))
