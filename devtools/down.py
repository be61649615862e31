"""`./dev down`: stop everything, the services before what they use."""

import shutil

from . import console, layout, lock, processes, servers, services
from .launch import stop_in_order


def down(wipe: bool) -> int:
    """Stop what runs; keep the data unless told to remove it."""
    with lock.state():
        below = (servers.Temporal(), servers.Redis(), servers.MariaDb(), servers.MySql())
        pieces = [*services.every_service(), *below]
        pids = [record.pid for piece in pieces if (record := piece.running())]
        if not stop_in_order(pieces):
            console.step("nothing was running")
        processes.await_burial(pids)
        if wipe:
            _wipe()
        return 0


def _wipe() -> None:
    """Remove all state but the lock that we hold."""
    for entry in layout.STATE.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()
    console.step(f"removed the data in {layout.STATE}")
