"""From nothing, again and again: deploy in another order each time, one order, remove. No manual step."""

import random
import tempfile
import threading
import time

from .. import console
from ..console import Trouble
from . import lab, stack

_LIMIT = 180
_DATA = ("mysql", "temporal-postgresql", "redis")
_TEMPORAL = ("temporal", "temporal-schema", "temporal-namespace", "temporal-ui")
_ORDERS = {
    "all at once": (),
    "database last": ("mysql", "temporal-postgresql"),
    "services first": (*_DATA, *_TEMPORAL),
    "Temporal first": (*_DATA, *lab.SERVICES),
    "Temporal last": _TEMPORAL,
}


def test(times: int) -> int:
    """Deploy from nothing so many times, on a Swarm that is up."""
    passed = 0
    turns = (list(_ORDERS) * (times // len(_ORDERS) + 1))[:times]
    random.shuffle(turns)
    for turn, name in enumerate(turns, 1):
        try:
            console.step(f"ok      {turn} of {times}, {name}: {_once(_ORDERS[name])}")
            passed += 1
        except Trouble as trouble:
            console.step(f"FAILED  {turn} of {times}, {name}: {trouble}")
        stack.remove()
    console.say(f"swarm: {passed} passed, {times - passed} failed")
    return 0 if passed == times else 1


def _once(late: tuple[str, ...]) -> str:
    """One deployment from nothing; the `late` services may start only some seconds after the others."""
    begin = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as override:
        held = ", ".join(
            f"{name}: {{deploy: {{placement: {{constraints: [node.labels.early != yes]}}}}}}" for name in late
        )
        override.write(f'version: "3.8"\nservices: {{{held}}}\n')
        override.flush()
        _label("--label-add", "early=yes")
        release = threading.Timer(random.uniform(8, 25), _label, ("--label-rm", "early"))
        release.start()
        try:
            stack.deploy(override.name, timeout=_LIMIT)
        finally:
            release.join()
    up = time.monotonic() - begin
    stack.order_when_ready()
    # Swarm remembers tasks of the stacks before; their services have no name any more.
    tasks = [task for task in stack.tasks(running=False) if task["Name"].startswith(lab.STACK)]
    failed = [task for task in tasks if task["Error"]]
    return f"healthy after {console.elapsed(up)}, an order CONFIRMED; tasks that were tried again: {len(failed)}"


def _label(*change: str) -> None:
    for node in lab.manager("node", "ls", "-q").split():
        lab.manager("node", "update", *change, node)
