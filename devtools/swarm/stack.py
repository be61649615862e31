"""The stack in the lab: deployed by the product's own script, asked with curl, removed."""

import contextlib
import json
import os
import subprocess
import threading
import time
from typing import Self

from .. import console, layout
from ..console import Trouble
from . import lab

GUIDE_ORDER = {"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000}
_LABEL = f"label=com.docker.stack.namespace={lab.STACK}"
# Of this product replicas.stock_up brings in enough for every order of the tests.
SMALL_ORDER = {"customerId": 1, "productId": 3, "quantity": 1, "amount": 990.5}


def variant(name: str) -> str:
    """One of the stack's variants: stage, nodes, secrets."""
    return str(lab.STACK_FILE.parent / "deploy" / f"docker-stack.{name}.yml")


def files(*more: str) -> list[str]:
    """The stack file, more of ours, and the lab's override last."""
    several = [variant("nodes")] if len(lab.nodes()) > 1 else []
    paths = [str(lab.STACK_FILE), *several, *more, str(lab.OVERRIDE)]
    return [word for path in paths for word in ("-c", path)]


def deploy(*more: str, timeout: int = 240) -> str:
    """deploy/deploy.sh with the lab's override; what it says at its end."""
    done = attempt_deploy(*more, timeout=timeout)
    if done.returncode:
        raise Trouble(done.stderr.strip() or done.stdout.strip())
    console.step(done.stdout.strip().splitlines()[-1])
    return done.stdout


def attempt_deploy(*more: str, timeout: int = 240, **variables: str) -> subprocess.CompletedProcess[str]:
    """deploy/deploy.sh, whatever comes of it."""
    words = ["deploy/deploy.sh", *files(*more), "--timeout", str(timeout), lab.STACK, "--", "--resolve-image", "never"]
    return lab.attempt(words, {**lab.environment(lab.node(1)), **variables}, timeout + 120)


def remove() -> None:
    """Remove the stack with its volumes, and wait until nothing of it is left."""
    lab.manager("stack", "rm", lab.STACK)
    deadline = time.monotonic() + 120
    while _left() and time.monotonic() < deadline:
        time.sleep(0.5)
    if _left():
        raise Trouble(f"120 s after `docker stack rm` there still is: {_left()}")
    for number in lab.nodes():
        name = lab.node(number)
        _sweep(name)
        volumes = lab.docker(name, "volume", "ls", "-q", "--filter", f"name={lab.STACK}_").split()
        if volumes:
            lab.docker(name, "volume", "rm", *volumes)


def _sweep(name: str) -> None:
    """Remove the containers that have ended, unless Docker itself is quicker."""
    for container in lab.docker(name, "ps", "-aq", "--filter", _LABEL).split():
        done = lab.attempt(["docker", "rm", container], lab.environment(name))
        if done.returncode and "No such container" not in done.stderr and "already in progress" not in done.stderr:
            raise Trouble(f"`docker rm {container}` at {name}: {done.stderr.strip()}")


def _left() -> str:
    """Networks of the stack and containers that still run. (An old engine may forget to delete one that has ended.)"""
    found = lab.manager("network", "ls", "-q", "--filter", _LABEL)
    for number in lab.nodes():
        found += lab.docker(lab.node(number), "ps", "-q", "--filter", _LABEL)
    return found


def curl(*words: str, number: int = 1) -> str:
    """curl in a node, where `localhost` is that node; what it prints."""
    return lab.inside(number, "curl", "-sS", "--max-time", "30", *words).stdout


def order(number: int = 1, what: dict | None = None) -> dict:
    """Place one order with curl; its answer."""
    body = json.dumps(what or SMALL_ORDER)
    url = "http://localhost:21081/api/temporal/orders"
    answer = curl("-X", "POST", url, "-H", "Content-Type: application/json", "-d", body, number=number)
    try:
        return json.loads(answer)
    except ValueError:
        return {"success": False, "answer": answer[:500]}


def outcome(answer: dict, limit: float = 60) -> dict:
    """An order that was still PENDING when it was answered: what became of it."""
    deadline = time.monotonic() + limit
    while answer.get("status") == "PENDING" and time.monotonic() < deadline:
        time.sleep(1)
        text = curl(f"http://localhost:21081/api/temporal/orders/{answer['workflowId']}")
        with contextlib.suppress(ValueError):
            answer = {**answer, **json.loads(text)}
    return answer


def order_when_ready(limit: float = 60) -> dict:
    """The first order that is CONFIRMED; the answers that came before it end in trouble after the limit."""
    deadline = time.monotonic() + limit
    while (answer := order()).get("status") != "CONFIRMED":
        if time.monotonic() > deadline:
            raise Trouble(f"no order was CONFIRMED within {limit:.0f} s; the last answer: {answer}")
        time.sleep(1)
    return answer


class Load:
    """One order after the other in the background; trouble at the end if one was not CONFIRMED."""

    def __init__(self) -> None:
        self.confirmed = 0
        self._failed: list[dict] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._end.wait(0.2):
            answer = outcome(order())
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
            raise Trouble(
                f"{len(self._failed)} of {self.confirmed + len(self._failed)} orders failed: {self._failed[0]}"
            )


def tasks(service: str = "", running: bool = True) -> list[dict]:
    """The tasks of a service, or of the whole stack."""
    wanted = ["--filter", "desired-state=running"] if running else []
    words = ["service", "ps", f"{lab.STACK}_{service}"] if service else ["stack", "ps", lab.STACK]
    lines = lab.manager(*words, "--no-trunc", "--format", "{{json .}}", *wanted).splitlines()
    return [json.loads(line) for line in lines]


def services() -> dict[str, str]:
    """Each service's replicas, as `docker stack services` shows them."""
    lines = lab.manager("stack", "services", lab.STACK, "--format", "{{.Name}} {{.Replicas}}").splitlines()
    return {name.removeprefix(f"{lab.STACK}_"): replicas for name, replicas in (line.split(" ", 1) for line in lines)}


def _stands(replicas: str) -> bool:
    """ "2/2", and for a job "0/1 (1/1 completed)"."""
    have, _, want = replicas.removesuffix(" completed)").rpartition("(")[2].partition("/")
    return have == want


def wait_until_it_stands(limit: float) -> None:
    """All services have their replicas."""
    deadline = time.monotonic() + limit
    while missing := {name: replicas for name, replicas in services().items() if not _stands(replicas)}:
        if time.monotonic() > deadline:
            raise Trouble(f"after {limit:.0f} s there still is {missing}")
        time.sleep(1)


def wait_for_edge_everywhere(limit: float) -> None:
    """Until a node that has just joined is served as well: Swarm starts the edge on each."""
    wanted, deadline = f"{len(lab.nodes())}/{len(lab.nodes())}", time.monotonic() + limit
    while (now := services()["edge"]) != wanted:
        if time.monotonic() > deadline:
            raise Trouble(f"the edge has {now} replicas after {limit:.0f} s")
        time.sleep(1)


def status() -> int:
    """Nodes, services, failed tasks."""
    if not lab.pid(lab.node(1)):
        console.say("the lab is not up (./dev swarm up)")
        return 1
    console.say(lab.manager("node", "ls"))
    console.say(lab.manager("service", "ls"))
    failed = [task for task in tasks(running=False) if task["Error"]] if lab.STACK in lab.manager("stack", "ls") else []
    for task in failed:
        console.say(f"{task['Name']}: {task['CurrentState']}: {task['Error']}")
    return 0


def run_in_node(words: list[str]) -> int:
    """A command in the first node's network, with `docker` speaking to that node."""
    enter = ["nsenter", f"--net=/run/netns/{lab.node(1)}"]
    environment = {**os.environ, **lab.environment(lab.node(1))}
    return subprocess.run([*enter, *words], cwd=layout.ROOT, env=environment, check=False).returncode
