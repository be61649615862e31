"""`./dev status` and `./dev logs`."""

import os
from collections.abc import Sequence

from devtools import console, layout, servers, services
from devtools.console import CliError
from devtools.process import Process

_LINES_OF_ALL = "20"
_LINES_OF_ONE = "200"


def _processes() -> list[Process]:
    mysql = servers.MySql()
    database = mysql if mysql.running() else servers.MariaDb()
    return [*services.every_service(), database, servers.Redis(), servers.Temporal()]


def status() -> int:
    """Print a table of all processes; the exit code is 0 only if all of them are UP."""
    rows, all_up = [("process", "port", "pid", "state")], True
    for process in _processes():
        record = process.running()
        if record is None:
            pid, state, up = "-", "DOWN (not running)", False
        else:
            health = process.health()
            pid, up = str(record.pid), health.up
            state = "UP" if up else f"DOWN ({health.detail})"
        rows.append((process.name, ",".join(map(str, process.ports)), pid, state))
        all_up = all_up and up
    for line in table(rows):
        console.say(line)
    return 0 if all_up else 1


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with aligned columns. The last column is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def logs(names: list[str], follow: bool) -> int:
    """Show the end of the logs; with `follow`, also the lines that are added later."""
    known = [process.name for process in _processes()]
    for name in names:
        if name not in known and not layout.log_file(name).exists():
            raise CliError(f"no process is called {name!r}; the names are {', '.join(known)}")
    files = [str(path) for name in names or known if (path := layout.log_file(name)).exists()]
    if not files:
        raise CliError("no log exists yet; ./dev up writes them")
    if not any(process.running() for process in _processes()):
        console.say("nothing runs; these lines are older")
    count = _LINES_OF_ONE if names else _LINES_OF_ALL
    os.execvp("tail", ["tail", "-n", count, *(["-F"] if follow else []), "--", *files])
