"""`./dev up`: start everything that is not running yet."""

import http.client
import json
import time

from devtools import build, console, layout, lock, ports, servers, services, tools
from devtools.console import CliError
from devtools.launch import Launch, all_or_nothing, stop_in_order
from devtools.process import Process
from devtools.services import Service

ORDER = {"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000}
ORDER_PATH = "/api/temporal/orders"
ORDER_LIMIT = 60.0
_HEALTH_SECONDS = 8


def up(release: bool) -> int:
    """Install, build and start what is missing; place one order if something was started."""
    with lock.state():
        other = servers.other_database()
        if other.running():
            raise CliError(f"{other.name} is running as the database; run ./dev down before you choose another one")
        below: list[Process] = [servers.chosen_database(), servers.Redis(), servers.Temporal()]
        ours = services.every_service(release)
        _require_free_ports([*below, *ours])
        _build_if_needed(ours, release, [*below, *ours])
        with all_or_nothing() as launch:
            _start_missing(launch, below, ours)
            started = [process.name for process in launch.started]
            failure = _place_order() if started else None
        if not started:
            console.step("everything was already running; nothing was changed")
        _print_urls()
        if failure:
            raise CliError(failure)
        return 0


def _require_free_ports(processes: list[Process]) -> None:
    ports.require_free(port for process in processes if not process.running() for port in process.ports)


def _build_if_needed(ours: list[Service], release: bool, processes: list[Process]) -> None:
    """Build, unless every service is running a program built from the current sources."""
    if all(service.is_current() for service in ours) and build.is_current(release):
        return
    build.require_toolchain()
    tools.install()
    build.build((service.name for service in ours), release)
    for service in ours:
        if not service.binary.exists():
            raise CliError(f"the build did not make {service.binary}")
    _require_free_ports(processes)  # a port may have been taken during the build


def _start_missing(launch: Launch, below: list[Process], ours: list[Service]) -> None:
    missing = [process for process in below if not process.running()]
    if missing:
        tools.install()
    for process in missing:
        launch.start(process)
    launch.wait_until_up(missing)
    _stop_outdated(ours)
    for service in ours:
        if not service.running():
            launch.start(service)
    if launch.started:
        launch.wait_until_up(ours)
    else:
        _report_down([*below, *ours])


def _stop_outdated(ours: list[Service]) -> None:
    outdated = [service for service in ours if service.running() and not service.is_current()]
    if outdated:
        console.step("some services have a new program")
        stop_in_order(outdated)


def _report_down(processes: list[Process]) -> None:
    """Wait until all processes are UP. After the time limit, raise a CLI error that names those that are not UP."""
    deadline = time.monotonic() + _HEALTH_SECONDS
    while True:
        down = [(process.name, state.detail) for process in processes if not (state := process.health()).up]
        if not down:
            return
        if time.monotonic() > deadline:
            what = "; ".join(f"{name} is DOWN: {detail}" for name, detail in down)
            raise CliError(f"everything runs, but {what}; see ./dev logs")
        time.sleep(0.3)


def _place_order() -> str | None:
    """Place one order and return what failed. A sold-out product is not a failure.

    A failure does not stop the processes, so that the user can inspect them.
    """
    console.step(f"placing one order: POST {ORDER_PATH} {json.dumps(ORDER, separators=(',', ':'))}")
    begin = time.monotonic()
    try:
        status, body = services.post(layout.ORCHESTRATOR_PORT, ORDER_PATH, ORDER, ORDER_LIMIT)
    except (OSError, http.client.HTTPException) as failure:
        return f"the order got no answer: {failure}; see ./dev logs orchestrator-temporal"
    text = body.decode("utf-8", "replace").strip()
    console.step(f"answer after {(time.monotonic() - begin) * 1000:.0f} ms: {status} {text}")
    if "INSUFFICIENT_STOCK" in text:
        console.say("  product 1 is sold out; docs/api.md says how to add stock")
        console.say("  to start again with empty databases: ./dev down --wipe, then ./dev up")
        return None
    return None if '"CONFIRMED"' in text else "the order was not confirmed; see ./dev logs"


def _print_urls() -> None:
    base = f"http://{layout.HOST}"
    console.say()
    console.say(f"  Orders       {base}:{layout.ORCHESTRATOR_PORT}{ORDER_PATH}")
    console.say(f"  Temporal UI  {base}:{layout.TEMPORAL_UI_PORT}")
    for service in services.every_service():
        url = f"{base}:{service.port}"
        console.say(f"  {service.name:<21}  {url}/swagger-ui  {url}/actuator/prometheus")
    console.say()
    console.say("  ./dev status | logs | down")
