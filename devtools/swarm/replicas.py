"""Replicas in the lab: a new one is used, one that goes is left, and on several nodes each node answers."""

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from ..console import Trouble
from . import lab, stack

LIMIT = 5.0
_SERVICE = f"{lab.STACK}_service-order"


def _wait(limit: float, what: str, done: Callable[[], bool], pause: float = 0.1) -> float:
    """Seconds until it is so; trouble after the limit."""
    begin = time.monotonic()
    while not done():
        if time.monotonic() - begin > limit:
            raise Trouble(f"{what}: not within {limit:.0f} s")
        time.sleep(pause)
    return time.monotonic() - begin


def container(service: str) -> tuple[str, str]:
    """The node and the number of one running container of a service."""
    for number in lab.nodes():
        found = lab.docker(lab.node(number), "ps", "-q", "--filter", f"name={lab.STACK}_{service}").split()
        if found:
            return lab.node(number), found[0]
    raise Trouble(f"no container of {service} runs")


def stock_up() -> None:
    """More pieces of the small order's product than the tests can buy, as an operator would bring them in over HTTP."""
    node, asker = container("redis")
    body = json.dumps({"deliveryId": "for-the-tests", "quantity": 1_000_000})
    head = f"POST /api/inventory/products/{stack.SMALL_ORDER['productId']}/stock HTTP/1.1\r\nHost: service-inventory\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    talk = ["sh", "-c", 'printf %s "$0" | nc -w 10 service-inventory 21083', head + body]
    done = lab.attempt(["docker", "exec", asker, *talk], lab.environment(node))
    if "200 OK" not in done.stdout:
        raise Trouble(f"the stock was not added: {done.stdout} {done.stderr}")


def addresses(service: str) -> set[str]:
    """What Swarm's DNS says of a service's replicas, asked from a container of the stack."""
    node, asker = container("redis")
    done = lab.attempt(["docker", "exec", asker, "getent", "ahosts", f"tasks.{service}"], lab.environment(node))
    if done.returncode not in (0, 2):  # 2: no such name
        raise Trouble(f"the DNS was not asked: {done.stderr.strip()}")
    return set(re.findall(r"^(\S+)\s+STREAM", done.stdout, re.MULTILINE))


def _first_request(number: int, which: str) -> float | None:
    """When a container of service-order got its first request but the probe's, by its log."""
    for line in lab.docker(lab.node(number), "logs", which).splitlines():
        if re.search(r'"message":"[A-Z]+ /', line):
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    return None


def _replicas() -> dict[str, int]:
    """Each healthy container of service-order with its node."""
    wanted = ["ps", "-q", "--no-trunc", "--filter", f"name={_SERVICE}", "--filter", "health=healthy"]
    return {which: number for number in lab.nodes() for which in lab.docker(lab.node(number), *wanted).split()}


def _must_be_confirmed() -> None:
    """One order, which opens no connection that the one before did not need."""
    answer = stack.order()
    if answer.get("status") != "CONFIRMED":
        raise Trouble(f"an order in between: {answer}")


@contextmanager
def _orders_all_the_while(count: int = 6) -> Iterator[None]:
    """Each new connection goes to one of the replicas by chance: one order at a time could miss one for long."""
    over = Event()

    def order_on() -> None:
        while not over.is_set():
            _must_be_confirmed()

    with ThreadPoolExecutor(count) as pool:
        clients = [pool.submit(order_on) for _ in range(count)]
        try:
            yield
        finally:
            over.set()
            for client in clients:
                client.result()


def scale_up() -> str:
    """guide 11, step 6: of three replicas of service-order the third gets traffic within 5 s"""
    before = _replicas()
    lab.manager("service", "scale", "--detach", f"{_SERVICE}=3")

    def third_is_healthy() -> bool:
        _must_be_confirmed()
        return len(_replicas()) == 3

    _wait(90, "a third healthy replica", third_is_healthy)
    begin = time.time()
    with _orders_all_the_while():
        named = _wait(LIMIT, "its address in the DNS", lambda: len(addresses("service-order")) == 3)
        now = _replicas()
        (third,) = set(now) - set(before)
        node = now[third]
        _wait(LIMIT * 6, "traffic at the third replica", lambda: _first_request(node, third) is not None)
    used = max(0.0, (_first_request(node, third) or 0) - begin)
    if used > LIMIT:
        raise Trouble(f"traffic came after {used:.1f} s")
    return f"in the DNS after {named:.1f} s, used after {used:.1f} s"


def scale_down() -> str:
    """a replica that is removed is out of the DNS within 5 s, and no order is lost meanwhile"""
    lab.manager("service", "scale", "--detach", f"{_SERVICE}=2")
    begin = time.monotonic()
    _wait(LIMIT, "two addresses in the DNS", lambda: len(addresses("service-order")) == 2)
    dropped = time.monotonic() - begin
    orders = 0
    while time.monotonic() - begin < 15:
        _must_be_confirmed()
        orders += 1
    _wait(60, "the third container's end", lambda: len(_replicas()) == 2)
    return f"out of the DNS after {dropped:.1f} s; {orders} orders, all CONFIRMED"


def killed() -> str:
    """a replica that is killed is out of the DNS within 5 s, and another takes its place"""
    before = addresses("service-order")
    which, number = sorted(_replicas().items())[0]
    lab.docker(lab.node(number), "kill", which)
    dropped = _wait(LIMIT, "its address out of the DNS", lambda: bool(before - addresses("service-order")))
    replaced = _wait(60, "two healthy replicas", lambda: len(_replicas()) == 2)
    stack.order_when_ready(40)
    return f"out of the DNS after {dropped:.1f} s, replaced {replaced:.1f} s later"


def spread() -> str:
    """on several nodes, each of our services has its replicas on two"""
    for service in lab.SERVICES:
        places = {task["Node"] for task in stack.tasks(service)}
        if len(places) < 2:
            raise Trouble(f"{service} is on {places} alone")
    return "each on two"


def every_node() -> str:
    """port 21081 answers on every node"""
    for number in lab.nodes():
        answer = stack.order(number)
        if answer.get("status") != "CONFIRMED":
            raise Trouble(f"node{number}: {answer}")
    return f"{len(lab.nodes())} nodes"
