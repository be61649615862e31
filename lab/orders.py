"""Orders that the lab places, with curl inside a node."""

import contextlib
import json
import threading
import time
from typing import Any, Self

from devtools.console import CliError
from lab import docker, stack
from lab.execute import in_node

GUIDE_ORDER = {"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000}
# `add_stock` adds enough units of this product for all orders of the checks.
SMALL_ORDER = {"customerId": 1, "productId": 3, "quantity": 1, "amount": 990.5}
_URL = "http://localhost:21081/api/temporal/orders"
_PAUSE_SECONDS = 0.2

Answer = dict[str, Any]


def _curl(*words: str, number: int = 1) -> str:
    return in_node(number, "curl", "-sS", "--max-time", "30", *words).stdout


def place(number: int = 1, order: Answer | None = None) -> Answer:
    """Place one order on a node; return the answer. For an answer that is not JSON, return `success: false`."""
    body = json.dumps(order or SMALL_ORDER)
    answer = _curl("-X", "POST", _URL, "-H", "Content-Type: application/json", "-d", body, number=number)
    return parse(answer)


def parse(answer: str) -> Answer:
    """The answer as a dictionary."""
    with contextlib.suppress(ValueError):
        parsed = json.loads(answer)
        if isinstance(parsed, dict):
            return parsed
    return {"success": False, "answer": answer[:500]}


def must_be_confirmed(number: int = 1) -> Answer:
    """Place one order and require that it is CONFIRMED."""
    answer = place(number)
    if answer.get("status") != "CONFIRMED":
        raise CliError(f"an order at node{number} was not CONFIRMED: {answer}")
    return answer


def final(answer: Answer, limit: float = 60) -> Answer:
    """Follow an order whose answer was PENDING until it has ended."""
    deadline = time.monotonic() + limit
    while answer.get("status") == "PENDING" and time.monotonic() < deadline:
        time.sleep(1)
        text = _curl(f"{_URL}/{answer['workflowId']}")
        with contextlib.suppress(ValueError):
            answer = {**answer, **json.loads(text)}
    return answer


def wait_for_confirmed(limit: float = 60) -> Answer:
    """Place orders until one is CONFIRMED. After the limit, raise a CLI error with the last answer."""
    deadline = time.monotonic() + limit
    while (answer := place()).get("status") != "CONFIRMED":
        if time.monotonic() > deadline:
            raise CliError(f"no order was CONFIRMED within {limit:.0f} s; the last answer: {answer}")
        time.sleep(1)
    return answer


def add_stock() -> None:
    """Add more units of `SMALL_ORDER`'s product than the checks can buy, over HTTP as an operator does."""
    node, client = stack.container("redis")
    body = json.dumps({"deliveryId": "for-the-tests", "quantity": 1_000_000})
    head = f"POST /api/inventory/products/{SMALL_ORDER['productId']}/stock HTTP/1.1\r\nHost: service-inventory\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    send = ["sh", "-c", 'printf %s "$0" | nc -w 10 service-inventory 21083', head + body]
    done = docker.attempt(node, "exec", client, *send)
    if "200 OK" not in done.stdout:
        raise CliError(f"the stock was not added: {done.stdout} {done.stderr}")


class Load:
    """Place one order after another in the background. At the end, raise a CLI error if one was not CONFIRMED."""

    def __init__(self) -> None:
        self.confirmed = 0
        self._failed: list[Answer] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._end.wait(_PAUSE_SECONDS):
            answer = final(place())
            if answer.get("status") == "CONFIRMED":
                self.confirmed += 1
            else:
                self._failed.append(answer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._failed and kind is None:
            total = self.confirmed + len(self._failed)
            raise CliError(f"{len(self._failed)} of {total} orders failed: {self._failed[0]}")
