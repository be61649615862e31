"""`./dev status` and `./dev logs`."""

import os

from . import console, layout, servers, services
from .console import Trouble
from .pieces import Piece


def _pieces() -> list[Piece]:
    mysql = servers.MySql()
    database = mysql if mysql.running() else servers.MariaDb()
    return [*services.every_service(), database, servers.Redis(), servers.Temporal()]


def status() -> int:
    """A table of what runs; exit code 0 only if all of it is UP."""
    rows, well = [("piece", "port", "pid", "state")], True
    for piece in _pieces():
        record = piece.running()
        if record is None:
            pid, state, up = "-", "DOWN (not running)", False
        else:
            health = piece.health()
            pid, up = str(record.pid), health.up
            state = "UP" if up else f"DOWN ({health.detail})"
        rows.append((piece.name, ",".join(map(str, piece.ports)), pid, state))
        well = well and up
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        console.say("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]))
    return 0 if well else 1


def logs(names: list[str], follow: bool) -> int:
    """Show the end of the logs, and what is added to them if told to follow."""
    known = [piece.name for piece in _pieces()]
    for name in names:
        if name not in known and not layout.log_file(name).exists():
            raise Trouble(f"there is no piece {name!r}; there are {', '.join(known)}")
    files = [str(path) for name in names or known if (path := layout.log_file(name)).exists()]
    if not files:
        raise Trouble("there are no logs yet; ./dev up writes them")
    if not any(piece.running() for piece in _pieces()):
        console.say("nothing runs; this is what was written before")
    count = "200" if names else "20"
    os.execvp("tail", ["tail", "-n", count, *(["-F"] if follow else []), "--", *files])
