"""`./dev down`: stop everything, the services before their servers."""

import shutil

from devtools import background, console, layout, lock, servers, services
from devtools.launch import stop_in_order
from devtools.process import Process


def down(wipe: bool) -> int:
    """Stop every process; keep the data unless `wipe` is set."""
    with lock.state():
        below = (servers.Temporal(), servers.Redis(), servers.MariaDb(), servers.MySql())
        processes: list[Process] = [*services.every_service(), *below]
        pids = [record.pid for process in processes if (record := process.running())]
        if not stop_in_order(processes):
            console.step("nothing was running")
        background.wait_until_reaped(pids)
        if wipe:
            _wipe()
        return 0


def _wipe() -> None:
    """Remove all state except the lock, which this command holds."""
    for entry in layout.STATE.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()
    console.step(f"removed the data in {layout.STATE}")
