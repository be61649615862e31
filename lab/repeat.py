"""`./dev test swarm --repeat`: deploy from scratch many times, with the services starting in different orders."""

import random
import tempfile
import threading
import time

from devtools import console
from devtools.console import CliError
from lab import docker, orders, settings, stack

_LIMIT_SECONDS = 180
_DATA = ("mysql", "temporal-postgresql", "redis")
_TEMPORAL = ("temporal", "temporal-schema", "temporal-namespace", "temporal-ui")
# The services that start a few seconds after the others.
_START_ORDERS: dict[str, tuple[str, ...]] = {
    "all at the same time": (),
    "database last": ("mysql", "temporal-postgresql"),
    "services first": (*_DATA, *_TEMPORAL),
    "Temporal first": (*_DATA, *settings.SERVICES),
    "Temporal last": _TEMPORAL,
}


def test(times: int) -> int:
    """Deploy from scratch this many times, on a running Swarm."""
    passed = 0
    for number, name in enumerate(_shuffled(times), 1):
        try:
            console.step(f"ok      {number} of {times}, {name}: {_deploy_once(_START_ORDERS[name])}")
            passed += 1
        except CliError as error:
            console.step(f"FAILED  {number} of {times}, {name}: {error}")
        stack.remove()
    console.say(f"swarm: {passed} passed, {times - passed} failed")
    return 0 if passed == times else 1


def _shuffled(times: int) -> list[str]:
    """The names of this many start orders; each occurs about as often as the others."""
    names = (list(_START_ORDERS) * (times // len(_START_ORDERS) + 1))[:times]
    random.shuffle(names)
    return names


def held_back(late: tuple[str, ...]) -> str:
    """A stack file that keeps services from starting until the label `early` is removed from a node."""
    constraint = "{deploy: {placement: {constraints: [node.labels.early != yes]}}}"
    services = ", ".join(f"{name}: {constraint}" for name in late)
    return f'version: "3.8"\nservices: {{{services}}}\n'


def _deploy_once(late: tuple[str, ...]) -> str:
    begin = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as override:
        override.write(held_back(late))
        override.flush()
        _label_nodes("--label-add", "early=yes")
        release = threading.Timer(random.uniform(8, 25), _label_nodes, ("--label-rm", "early"))
        release.start()
        try:
            stack.deploy(override.name, timeout=_LIMIT_SECONDS)
        finally:
            release.join()
    healthy = time.monotonic() - begin
    orders.wait_for_confirmed()
    # Swarm also remembers the tasks of earlier stacks, but the services of those tasks no longer have a name.
    tasks = [task for task in stack.tasks(running=False) if task["Name"].startswith(settings.STACK)]
    failed = [task for task in tasks if task["Error"]]
    return f"healthy after {console.elapsed(healthy)}, an order CONFIRMED; failed tasks: {len(failed)}"


def _label_nodes(*change: str) -> None:
    for node in docker.manager("node", "ls", "-q").split():
        docker.manager("node", "update", *change, node)
