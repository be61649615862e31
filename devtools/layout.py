"""Where things are: directories, ports, and the names of the pieces."""

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

# Each service that owns a database, and that database's name.
SERVICE_DATABASES = {
    "service-order": "orders",
    "service-inventory": "inventory",
    "service-payment": "payments",
}


def cache_dir() -> Path:
    """What may be thrown away at any time and is shared by all checkouts of one user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "order-saga"


def tools_dir() -> Path:
    """Servers that no system package gives us; the tests look here too (in its `bin`)."""
    return cache_dir() / "tools"


def target_dir() -> Path:
    """Cargo's build directory."""
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return ROOT / chosen if chosen else cache_dir() / "target"


def log_file(name: str) -> Path:
    """The log of one piece."""
    return LOGS / f"{name}.log"
