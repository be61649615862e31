"""The checks of `./dev test swarm`: their titles, their order, and what they read."""

from datetime import datetime

import pytest

from devtools import console, layout
from devtools.console import CliError
from lab import repeat, settings, walk
from lab.checks import deployment, operations, replicas

_LOG = """\
{"timestamp":"2026-11-27T12:00:00Z","message":"listening on 0.0.0.0:21082"}
{"timestamp":"2026-11-27T12:00:05.5Z","message":"POST /api/orders/steps/create: 201"}
{"timestamp":"2026-11-27T12:00:09Z","message":"GET /api/orders: 200"}
"""


@pytest.mark.parametrize("count", [1, 3])
def test_every_check_has_its_own_title(count: int) -> None:
    titles = [walk.title(check) for check in walk._checks(count)]
    assert len(set(titles)) == len(titles)
    assert all(check.__doc__ for check in walk._checks(count))
    assert not any(title.endswith(".") for title in titles)


@pytest.mark.parametrize("count", [1, 3])
def test_the_stack_is_deployed_before_an_order_and_removed_at_the_end(count: int) -> None:
    checks = walk._checks(count)
    assert checks.index(deployment.order) == checks.index(deployment.deploy) + 1
    assert checks[-3] is deployment.remove
    assert checks[-1] is deployment.leave


def test_a_failed_deployment_ends_the_walk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def good() -> str:
        """A good check."""
        return "detail"

    def deploy() -> str:
        """The deployment."""
        raise CliError("no image")

    monkeypatch.setattr(deployment, "deploy", deploy)
    monkeypatch.setattr(walk, "_checks", lambda _count: [good, deploy, good])
    assert walk.test(1) == 1
    shown = capsys.readouterr()
    assert "ok      A good check (0.0 s): detail" in shown.out
    assert "FAILED  The deployment: no image" in shown.out
    assert shown.out.endswith("swarm: 1 passed, 1 failed\n")
    assert shown.err == "./dev: failed: The deployment\n"


def test_the_first_request_is_not_a_message_of_the_start() -> None:
    expected = datetime.fromisoformat("2026-11-27T12:00:05.5+00:00").timestamp()
    assert replicas.first_request(_LOG) == expected
    assert replicas.first_request(_LOG.splitlines()[0]) is None


def test_every_command_is_in_the_documentation() -> None:
    document = (layout.ROOT / "docs" / "operations.md").read_text()
    commands = [*operations._READ.splitlines(), *operations._CHANGE.splitlines(), *operations._DRAIN.splitlines()]
    assert len(commands) > 20
    assert [command for command in commands if command not in document] == []


def test_late_services_wait_for_a_label() -> None:
    assert repeat.held_back(()) == 'version: "3.8"\nservices: {}\n'
    assert "services: {mysql: {deploy: {placement: {constraints: [node.labels.early != yes]}}}, " in repeat.held_back(
        ("mysql", "redis")
    )
    known = (layout.ROOT / "docker-stack.dev.yml").read_text()
    for services in repeat._START_ORDERS.values():
        assert all(f"\n  {service}:\n" in known for service in services)
    assert set(settings.SERVICES) <= set(repeat._START_ORDERS["Temporal first"])


def test_start_orders_occur_equally_often() -> None:
    names = repeat._shuffled(12)
    assert len(names) == 12
    assert {names.count(name) for name in repeat._START_ORDERS} == {2, 3}


def test_a_passed_check_prints_no_empty_detail(capsys: pytest.CaptureFixture[str]) -> None:
    assert walk.passes(lambda: "")
    assert capsys.readouterr().out.endswith(f"({console.elapsed(0)})\n")
