"""The four services: their settings and their health."""

import http.client
import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from devtools import build, layout
from devtools.process import Health, Process

_SECRET_SUFFIX = "_FILE"


class Service(Process):
    """One of the four services."""

    stop_grace = 45.0
    stop_rank = 0

    def __init__(self, name: str, port: int, release: bool = False) -> None:
        self.name = name
        self.port = port
        self.ports = (port,)
        self.release = release

    @property
    def binary(self) -> Path:
        """The program of the last build."""
        return build.program(self.name, self.release)

    def command(self) -> list[str]:
        """The program. It has no arguments: all settings are in the environment."""
        return [str(self.binary)]

    def environment(self) -> Mapping[str, str]:
        """The settings that the caller has not set. The port cannot be changed."""
        defaults = {name: value for name, value in self._settings().items() if not _caller_sets(name)}
        return {**defaults, "SERVER_PORT": str(self.port)}

    def _settings(self) -> dict[str, str]:
        common = {"SPRING_PROFILES_ACTIVE": "dev"}
        database = layout.SERVICE_DATABASES.get(self.name)
        return common | (_orchestrator_settings() if database is None else _database_settings(database))

    def notes(self) -> Mapping[str, str]:
        """The program that this process runs, and its stamp."""
        return {"binary": str(self.binary), "stamp": build.stamp(self.binary)}

    def is_current(self) -> bool:
        """Whether the service is running the program of the last build."""
        record = self.running()
        return record is not None and record.notes == dict(self.notes())

    def health(self) -> Health:
        """The health that the health page reports."""
        try:
            status, body = get(self.port, "/actuator/health")
        except (OSError, http.client.HTTPException) as refused:
            return Health(False, str(refused) or type(refused).__name__)
        return read_health(status, body)


def read_health(status: int, body: bytes) -> Health:
    """The health that an answer from the health page reports; the detail names the components that are not UP."""
    try:
        page = json.loads(body)
        whole = page["status"]
        components = page.get("components", {})
        down = [name for name, component in components.items() if component.get("status") != "UP"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Health(False, f"the health page answered {status} with an unknown document")
    if status == HTTPStatus.OK and whole == "UP":
        return Health(True)
    return Health(False, f"{', '.join(down)} DOWN" if down else f"{status} {whole}")


def _caller_sets(name: str) -> bool:
    """Whether the caller set a variable. A secret may also come as the name of a file that contains it."""
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
    """All services; the orchestrator comes last, because it calls the others."""
    return [
        Service("service-order", layout.ORDER_PORT, release),
        Service("service-inventory", layout.INVENTORY_PORT, release),
        Service("service-payment", layout.PAYMENT_PORT, release),
        Service("orchestrator-temporal", layout.ORCHESTRATOR_PORT, release),
    ]


def get(port: int, path: str) -> tuple[int, bytes]:
    """GET a page of a local server; return the status and the body."""
    return _exchange(port, "GET", path, None, 3)


def post(port: int, path: str, document: object, limit: float) -> tuple[int, bytes]:
    """POST JSON to a local server, which has `limit` seconds to answer; return the status and the body."""
    return _exchange(port, "POST", path, json.dumps(document).encode(), limit)


def _exchange(port: int, method: str, path: str, body: bytes | None, limit: float) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(layout.HOST, port, timeout=limit)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
