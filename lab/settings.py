"""The names, folders and addresses of the lab."""

from pathlib import Path

from devtools import layout

FOLDER = Path(__file__).resolve().parent
RUN = Path("/run/order-saga-lab")
BRIDGE = "osaga-net"
SUBNET = "10.99.0"
STACK = "myapp"
STACK_FILE = layout.ROOT / "docker-stack.dev.yml"
OVERRIDE = FOLDER / "docker-stack.lab.yml"
FAST_UPDATE = str(FOLDER / "docker-stack.fast-update.yml")
SERVICES = ("orchestrator-temporal", "service-order", "service-inventory", "service-payment")


def cache() -> Path:
    """Everything that takes a long time to make: base systems, programs, images, the image stores of the nodes."""
    return layout.cache_dir() / "lab"


def logs() -> Path:
    """The logs of the Docker daemons."""
    return layout.LOGS / "swarm"


def node(number: int) -> str:
    """The name of a node, which is also the name of its network namespace."""
    return f"osaga-node{number}"


def address(number: int) -> str:
    """The address of a node on the bridge between the nodes."""
    return f"{SUBNET}.{number}"
