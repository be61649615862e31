"""What servers and services say about their health."""

import pytest

from devtools import layout, servers, services
from devtools.process import Health
from devtools.services import Service

_DOWN = Health(False, "db DOWN")


@pytest.mark.parametrize(
    ("packet", "health"),
    [
        (b"\x4a\x00\x00\x00\x0a8.4.0", Health(True)),
        (b"\x4a\x00\x00\x00\xff\x10\x04Too many connections", Health(False, "Too many connections")),
        (b"", Health(False, "no greeting")),
    ],
)
def test_a_database_greets_with_protocol_version_10(packet: bytes, health: Health) -> None:
    assert servers.read_greeting(packet) == health


@pytest.mark.parametrize(
    ("status", "body", "health"),
    [
        (200, b'{"status":"UP","components":{"db":{"status":"UP"}}}', Health(True)),
        (503, b'{"status":"DOWN","components":{"db":{"status":"DOWN"},"redis":{"status":"UP"}}}', _DOWN),
        (503, b'{"status":"UP"}', Health(False, "503 UP")),
        (200, b"[]", Health(False, "the health page answered 200 with an unknown document")),
        (502, b"<html>", Health(False, "the health page answered 502 with an unknown document")),
    ],
)
def test_the_health_page_names_what_is_down(status: int, body: bytes, health: Health) -> None:
    assert services.read_health(status, body) == health


def _environment(name: str, port: int, monkeypatch: pytest.MonkeyPatch, **exported: str) -> dict[str, str]:
    for variable in ("SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_PASSWORD", "SERVER_PORT", "SERVICES_ORDER_URL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in exported.items():
        monkeypatch.setenv(variable, value)
    return dict(Service(name, port).environment())


def test_a_service_gets_its_own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _environment("service-payment", 21084, monkeypatch)
    assert "/payments?" in found["SPRING_DATASOURCE_URL"]
    assert found["SERVER_PORT"] == "21084"
    orchestrator = _environment("orchestrator-temporal", 21081, monkeypatch)
    assert orchestrator["SERVICES_ORDER_URL"] == f"http://{layout.HOST}:21082"
    assert "SPRING_DATASOURCE_URL" not in orchestrator


def test_an_exported_setting_is_kept_except_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _environment("service-order", 21082, monkeypatch, SPRING_DATASOURCE_URL="mysql://db/x", SERVER_PORT="1")
    assert "SPRING_DATASOURCE_URL" not in found
    assert found["SERVER_PORT"] == "21082"


def test_a_secret_may_come_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _environment("service-order", 21082, monkeypatch, SPRING_DATASOURCE_PASSWORD_FILE="secret.txt")
    assert "SPRING_DATASOURCE_PASSWORD" not in found
    assert found["SPRING_DATASOURCE_USERNAME"] == "root"


@pytest.mark.usefixtures("root")
def test_a_service_that_does_not_run_is_not_current() -> None:
    assert not Service("service-order", 21082).is_current()
