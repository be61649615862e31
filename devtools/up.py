"""`./dev up`: everything running, with as little done as that takes."""

import http.client
import json
import time

from . import build, console, layout, lock, ports, servers, services, tools
from .console import Trouble
from .launch import Launch, all_or_nothing, stop_in_order
from .pieces import Piece
from .services import Service

ORDER = {"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000}
ORDER_PATH = "/api/temporal/orders"
ORDER_LIMIT = 60.0


def up(release: bool) -> int:
    """Install, build and start what is missing; place one order if something was started."""
    with lock.state():
        other = servers.other_database()
        if other.running():
            raise Trouble(f"{other.name} is running as the database; run ./dev down before changing to another")
        below: list[Piece] = [servers.chosen_database(), servers.Redis(), servers.Temporal()]
        ours = services.every_service(release)
        _require_free_ports([*below, *ours])
        _build_if_needed(ours, release, [*below, *ours])
        with all_or_nothing() as launch:
            _start_missing(launch, below, ours)
            started = [piece.name for piece in launch.started]
            failure = _place_order() if started else None
        if not started:
            console.step("everything was running already; nothing was changed")
        _print_urls()
        if failure:
            raise Trouble(failure)
        return 0


def _require_free_ports(pieces: list[Piece]) -> None:
    ports.require_free(port for piece in pieces if not piece.running() for port in piece.ports)


def _build_if_needed(ours: list[Service], release: bool, pieces: list[Piece]) -> None:
    """Skip cargo only if each service runs and runs what the present sources make."""
    if all(service.is_current() for service in ours) and build.is_current(release):
        return
    build.require_toolchain()
    tools.install()
    build.build((service.name for service in ours), release)
    for service in ours:
        if not service.binary.exists():
            raise Trouble(f"the build did not make {service.binary}")
    _require_free_ports(pieces)  # a build is long enough for someone to take one


def _start_missing(launch: Launch, below: list[Piece], ours: list[Service]) -> None:
    missing = [piece for piece in below if not piece.running()]
    if missing:
        tools.install()
    for piece in missing:
        launch.start(piece)
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
        console.step("there are new binaries")
        stop_in_order(outdated)


def _report_down(pieces: list[Piece]) -> None:
    """Nothing to start, yet perhaps not all well: wait a little, then say what is wrong."""
    patience = time.monotonic() + 8
    while True:
        sick = [(piece.name, state.detail) for piece in pieces if not (state := piece.health()).up]
        if not sick:
            return
        if time.monotonic() > patience:
            what = "; ".join(f"{name} is DOWN: {detail}" for name, detail in sick)
            raise Trouble(f"everything runs, but {what}; see ./dev logs")
        time.sleep(0.3)


def _place_order() -> str | None:
    """One order, to see that all of it works together; says what failed. A refusal is an answer too.

    A failure does not stop what was started: it is there to be looked at.
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
        console.say("  product 1 is sold out; docs/api.md says how to add stock (or begin anew: `./dev down --wipe`, `./dev up`)")
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
