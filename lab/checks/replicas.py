"""Replicas: a new one gets traffic, a removed one gets none, and every node answers."""

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from devtools.console import CliError
from lab import docker, nodes, orders, settings, stack

_LIMIT_SECONDS = 5.0
_ORDER_SECONDS = 15
_SERVICE = f"{settings.STACK}_service-order"
_THREE, _TWO = 3, 2
_NO_SUCH_NAME = 2


def _wait(limit: float, what: str, done: Callable[[], bool], pause: float = 0.1) -> float:
    """Wait until a condition holds; return how many seconds it took. Raise a CLI error after the time limit."""
    begin = time.monotonic()
    while not done():
        if time.monotonic() - begin > limit:
            raise CliError(f"{what}: not within {limit:.0f} s")
        time.sleep(pause)
    return time.monotonic() - begin


def _addresses(service: str) -> set[str]:
    """The addresses of a service's replicas, as Swarm's DNS gives them to a container of the stack."""
    node, client = stack.container("redis")
    done = docker.attempt(node, "exec", client, "getent", "ahosts", f"tasks.{service}")
    if done.returncode not in (0, _NO_SUCH_NAME):
        raise CliError(f"the DNS query failed: {done.stderr.strip()}")
    return set(re.findall(r"^(\S+)\s+STREAM", done.stdout, re.MULTILINE))


def first_request(log: str) -> float | None:
    """The time of the first request in the log of a service, ignoring the requests of the health probe."""
    for line in log.splitlines():
        if re.search(r'"message":"[A-Z]+ /', line):
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    return None


def _first_request_at(number: int, container: str) -> float | None:
    return first_request(docker.run(settings.node(number), "logs", container))


def _replicas() -> dict[str, int]:
    """Each healthy container of service-order with the number of its node."""
    wanted = ["ps", "-q", "--no-trunc", "--filter", f"name={_SERVICE}", "--filter", "health=healthy"]
    found: dict[str, int] = {}
    for number in nodes.running():
        found |= dict.fromkeys(docker.run(settings.node(number), *wanted).split(), number)
    return found


@contextmanager
def _continuous_orders(count: int = 6) -> Iterator[None]:
    """Clients that place orders without a pause. A connection reaches a random replica, so one client is not enough."""
    end = Event()

    def place_orders() -> None:
        while not end.is_set():
            orders.must_be_confirmed()

    with ThreadPoolExecutor(count) as pool:
        clients = [pool.submit(place_orders) for _ in range(count)]
        try:
            yield
        finally:
            end.set()
            for client in clients:
                client.result()


def scale_up() -> str:
    """Korean guide, section 11, step 6: a third replica of service-order gets traffic within 5 s."""
    before = _replicas()
    docker.manager("service", "scale", "--detach", f"{_SERVICE}=3")

    def third_is_healthy() -> bool:
        orders.must_be_confirmed()
        return len(_replicas()) == _THREE

    _wait(90, "a third healthy replica", third_is_healthy)
    begin = time.time()
    with _continuous_orders():
        named = _wait(_LIMIT_SECONDS, "its address in the DNS", lambda: len(_addresses("service-order")) == _THREE)
        now = _replicas()
        (third,) = set(now) - set(before)
        node = now[third]
        limit = _LIMIT_SECONDS * 6
        _wait(limit, "traffic at the third replica", lambda: _first_request_at(node, third) is not None)
    used = max(0.0, (_first_request_at(node, third) or 0) - begin)
    if used > _LIMIT_SECONDS:
        raise CliError(f"traffic came after {used:.1f} s")
    return f"in the DNS after {named:.1f} s, used after {used:.1f} s"


def scale_down() -> str:
    """A removed replica is out of the DNS within 5 s, and no order is lost."""
    docker.manager("service", "scale", "--detach", f"{_SERVICE}=2")
    begin = time.monotonic()
    _wait(_LIMIT_SECONDS, "two addresses in the DNS", lambda: len(_addresses("service-order")) == _TWO)
    dropped = time.monotonic() - begin
    count = 0
    while time.monotonic() - begin < _ORDER_SECONDS:
        orders.must_be_confirmed()
        count += 1
    _wait(60, "the end of the third container", lambda: len(_replicas()) == _TWO)
    return f"out of the DNS after {dropped:.1f} s; {count} orders, all CONFIRMED"


def killed() -> str:
    """A killed replica is out of the DNS within 5 s, and another one replaces it."""
    before = _addresses("service-order")
    container, number = min(_replicas().items())
    docker.run(settings.node(number), "kill", container)
    dropped = _wait(_LIMIT_SECONDS, "its address out of the DNS", lambda: bool(before - _addresses("service-order")))
    replaced = _wait(60, "two healthy replicas", lambda: len(_replicas()) == _TWO)
    orders.wait_for_confirmed(40)
    return f"out of the DNS after {dropped:.1f} s, replaced {replaced:.1f} s later"


def spread() -> str:
    """On several nodes, the replicas of each service are on two nodes."""
    for service in settings.SERVICES:
        places = {task["Node"] for task in stack.tasks(service)}
        if len(places) < _TWO:
            raise CliError(f"{service} is only on {places}")
    return "each on two"


def every_node() -> str:
    """Port 21081 answers on every node."""
    for number in nodes.running():
        orders.must_be_confirmed(number)
    return f"{len(nodes.running())} nodes"
