"""The four services: their settings, and what their health page says."""

import http.client
import json
import os
from collections.abc import Mapping
from pathlib import Path

from . import build, layout
from .pieces import Health, Piece

_SECRET_SUFFIX = "_FILE"


class Service(Piece):
    """One of our binaries."""

    stop_grace = 45.0
    stop_rank = 0

    def __init__(self, name: str, port: int, release: bool = False) -> None:
        self.name = name
        self.port = port
        self.ports = (port,)
        self.release = release

    @property
    def binary(self) -> Path:
        """What was built last."""
        return build.program(self.name, self.release)

    def command(self) -> list[str]:
        """The binary; all its settings are in the environment."""
        return [str(self.binary)]

    def environment(self) -> Mapping[str, str]:
        """Our settings where the caller has none; ports are always ours."""
        ours = {name: value for name, value in self._settings().items() if not _caller_sets(name)}
        return {**ours, "SERVER_PORT": str(self.port)}

    def _settings(self) -> dict[str, str]:
        common = {"SPRING_PROFILES_ACTIVE": "dev"}
        database = layout.SERVICE_DATABASES.get(self.name)
        return common | (_orchestrator_settings() if database is None else _database_settings(database))

    def notes(self) -> Mapping[str, str]:
        """Which binary this process runs."""
        return {"binary": str(self.binary), "stamp": build.stamp(self.binary)}

    def is_current(self) -> bool:
        """Whether it runs, and runs the binary that is there now."""
        record = self.running()
        return record is not None and record.notes == dict(self.notes())

    def health(self) -> Health:
        """UP, or the parts that are not."""
        status = 0
        try:
            status, body = get(self.port, "/actuator/health")
            page = json.loads(body)
            whole = page["status"]
            parts = page.get("components", {})
            down = [name for name, part in parts.items() if part.get("status") != "UP"]
        except (OSError, http.client.HTTPException) as refused:
            return Health(False, str(refused) or type(refused).__name__)
        except (ValueError, KeyError, TypeError, AttributeError):
            return Health(False, f"the health page answered {status} with something that is not health")
        if status == 200 and whole == "UP":
            return Health(True)
        return Health(False, f"{', '.join(down)} DOWN" if down else f"{status} {whole}")


def _caller_sets(name: str) -> bool:
    """A secret may also come as the name of a file that has it."""
    return name in os.environ or name + _SECRET_SUFFIX in os.environ


def _database_settings(database: str) -> dict[str, str]:
    address = f"{layout.HOST}:{layout.DATABASE_PORT}"
    return {
        "SPRING_DATASOURCE_URL": f"jdbc:mysql://{address}/{database}?useSSL=false&allowPublicKeyRetrieval=true",
        "SPRING_DATASOURCE_USERNAME": "root",
        "SPRING_DATASOURCE_PASSWORD": layout.DATABASE_PASSWORD,
        "SPRING_DATA_REDIS_HOST": layout.HOST,
        "SPRING_DATA_REDIS_PORT": str(layout.REDIS_PORT),
    }


def _orchestrator_settings() -> dict[str, str]:
    return {
        "TEMPORAL_SERVICE_URL": f"{layout.HOST}:{layout.TEMPORAL_PORT}",
        "TEMPORAL_NAMESPACE": "default",
        "SERVICES_ORDER_URL": f"http://{layout.HOST}:{layout.ORDER_PORT}",
        "SERVICES_INVENTORY_URL": f"http://{layout.HOST}:{layout.INVENTORY_PORT}",
        "SERVICES_PAYMENT_URL": f"http://{layout.HOST}:{layout.PAYMENT_PORT}",
    }


def every_service(release: bool = False) -> list[Service]:
    """The orchestrator last: it calls the others."""
    return [
        Service("service-order", layout.ORDER_PORT, release),
        Service("service-inventory", layout.INVENTORY_PORT, release),
        Service("service-payment", layout.PAYMENT_PORT, release),
        Service("orchestrator-temporal", layout.ORCHESTRATOR_PORT, release),
    ]


def get(port: int, path: str) -> tuple[int, bytes]:
    """A page of a local server."""
    return _exchange(port, "GET", path, None, 3)


def post(port: int, path: str, document: object, limit: float) -> tuple[int, bytes]:
    """Send JSON to a local server, which may take `limit` seconds to answer."""
    return _exchange(port, "POST", path, json.dumps(document).encode(), limit)


def _exchange(port: int, method: str, path: str, body: bytes | None, limit: float) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(layout.HOST, port, timeout=limit)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
