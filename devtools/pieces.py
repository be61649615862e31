"""What a piece is: something with a name and ports that can be started, asked how it is, and stopped."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from . import processes
from .layout import HOST
from .processes import Record


@dataclass(frozen=True)
class Health:
    """Whether a piece works, and if not, why."""

    up: bool
    detail: str = ""


class Piece(ABC):
    """One background process of the system. Pieces of a lower `stop_rank` stop first, those of one rank together."""

    name: str
    ports: tuple[int, ...]
    stop_grace: float
    stop_rank: int
    start_limit: float = 120.0

    def prepare(self) -> None:
        """Make what must be there before the process starts."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def environment(self) -> Mapping[str, str]:
        """Variables on top of the caller's."""
        return {}

    def notes(self) -> Mapping[str, str]:
        """What to remember about this start."""
        return {}

    @abstractmethod
    def health(self) -> Health:
        """Ask the running piece. Never raises."""

    def running(self) -> Record | None:
        """Our process, if it lives."""
        return processes.running(self.name)

    def start(self) -> Record:
        """Start the process in the background, without waiting until it works."""
        return processes.spawn(self.name, self.command(), self.environment(), self.notes())


def converse(port: int, question: bytes) -> bytes:
    """The first bytes that a local TCP server says, after our question if there is one."""
    with socket.create_connection((HOST, port), timeout=2) as connection:
        if question:
            connection.sendall(question)
        return connection.recv(512)


def require_listener(port: int) -> None:
    """Raise if nobody listens on a local port."""
    socket.create_connection((HOST, port), timeout=2).close()
