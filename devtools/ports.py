"""Find the process that listens on a port."""

import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devtools.console import CliError

_LISTEN = "0A"
_LONGEST_COMMAND = 100


@dataclass(frozen=True)
class Listener:
    """A socket that listens: its inode and the user who opened it."""

    inode: str
    uid: int


def listeners() -> dict[int, Listener]:
    """Every listening TCP port of this machine, on any address."""
    found: dict[int, Listener] = {}
    for table in ("tcp", "tcp6"):
        try:
            found |= parse_table(Path("/proc/net", table).read_text())
        except OSError:
            continue
    return found


def parse_table(text: str) -> dict[int, Listener]:
    """The listening ports in a table of /proc/net."""
    found = {}
    for columns in map(str.split, text.splitlines()[1:]):
        if columns[3] == _LISTEN:
            port = int(columns[1].rpartition(":")[2], 16)
            found[port] = Listener(inode=columns[9], uid=int(columns[7]))
    return found


def _holder(inode: str) -> int | None:
    """The process that has this socket open. Other users' processes cannot be read."""
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            for handle in (process / "fd").iterdir():
                if str(handle.readlink()) == wanted:
                    return int(process.name)
        except OSError:
            continue
    return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _describe(listener: Listener) -> str:
    pid = _holder(listener.inode)
    if pid is None:
        return f"a process of user {_user(listener.uid)}, which this user cannot inspect"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        command = "it has just ended"
    command = " ".join(command.split())
    return f"pid {pid} ({command[:_LONGEST_COMMAND]}{'…' if len(command) > _LONGEST_COMMAND else ''})"


def require_free(wanted: Iterable[int]) -> None:
    """Require that nothing listens on these ports. Otherwise the CLI error names each process, in one line."""
    found = listeners()
    taken = [f"port {port} is taken by {_describe(found[port])}" for port in sorted(wanted) if port in found]
    if taken:
        raise CliError("; ".join(taken))
