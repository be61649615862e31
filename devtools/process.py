"""A process that `./dev` starts: its name, its ports, and how to start it, ask for its health, and stop it."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from devtools import background, records
from devtools.layout import HOST
from devtools.records import ProcessRecord


@dataclass(frozen=True)
class Health:
    """Whether a process works; if it does not, the detail says why."""

    up: bool
    detail: str = ""


class Process(ABC):
    """One background process of the system. The lowest `stop_rank` stops first; equal ranks stop at the same time."""

    name: str
    ports: tuple[int, ...]
    stop_grace: float
    stop_rank: int
    start_limit: float = 120.0

    def prepare(self) -> None:  # noqa: B027 (not abstract: most processes need no preparation)
        """Create everything that the process needs before it starts."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def environment(self) -> Mapping[str, str]:
        """Variables that are added to the caller's environment."""
        return {}

    def notes(self) -> Mapping[str, str]:
        """Facts that are stored in the record of this start."""
        return {}

    @abstractmethod
    def health(self) -> Health:
        """Ask the running process whether it works. Never raises."""

    def running(self) -> ProcessRecord | None:
        """The record of the process, if it is running."""
        return records.running(self.name)

    def start(self) -> ProcessRecord:
        """Start the process in the background, without waiting until it works."""
        return background.start(self.name, self.command(), self.environment(), self.notes())


def converse(port: int, question: bytes) -> bytes:
    """Send `question` to a local TCP server, unless it is empty; return the first bytes of the server's answer."""
    with socket.create_connection((HOST, port), timeout=2) as connection:
        if question:
            connection.sendall(question)
        return connection.recv(512)


def require_listener(port: int) -> None:
    """Raise an OSError if nothing listens on a local port."""
    socket.create_connection((HOST, port), timeout=2).close()
