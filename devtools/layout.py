"""Folders, ports and names that the other modules use."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".dev"
LOGS = STATE / "logs"
RUN = STATE / "run"

HOST = "127.0.0.1"
ORCHESTRATOR_PORT = 21081
ORDER_PORT = 21082
INVENTORY_PORT = 21083
PAYMENT_PORT = 21084
DATABASE_PORT = 21306
REDIS_PORT = 21379
TEMPORAL_PORT = 21733
TEMPORAL_UI_PORT = 21088

DATABASE_PASSWORD = "root1234"

# Each service that owns a database, and the name of that database.
SERVICE_DATABASES = {
    "service-order": "orders",
    "service-inventory": "inventory",
    "service-payment": "payments",
}


def cache_dir() -> Path:
    """A folder that all checkouts of one user share. Everything in it can be recreated."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "order-saga"


def tools_dir() -> Path:
    """Programs that are not in a system package. The tests look in its `bin` too."""
    return cache_dir() / "tools"


def target_dir() -> Path:
    """The build directory of cargo."""
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return ROOT / chosen if chosen else cache_dir() / "target"


def log_file(name: str) -> Path:
    """The log of one process."""
    return LOGS / f"{name}.log"
