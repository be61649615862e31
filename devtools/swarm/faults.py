"""What diagnose.sh says of a stack that does not do what it should: the guide's section 13, one by one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..console import Trouble
from . import images, lab, stack
from .scripts import deploy_with, diagnose, diagnosis, refused

_LABEL = f"com.docker.stack.namespace={lab.STACK}"


@contextmanager
def _service(name: str, *words: str) -> Iterator[None]:
    """One more service in the stack, as an operator may have made it."""
    name = f"{lab.STACK}_{name}"
    lab.manager("service", "create", "--detach", "-q", "--no-resolve-image", "--name", name, "--label", _LABEL, *words)
    try:
        yield
    finally:
        lab.manager("service", "rm", name)


def stands() -> str:
    """diagnose.sh finds no fault in a stack that stands"""
    done = diagnose()
    if done.returncode:
        raise Trouble(f"{done.stdout} {done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def does_not_start() -> str:
    """a new service that never stands: deploy.sh says which after its time, diagnose.sh says why"""
    service = (
        "{image: 'localhost:5000/service-order:latest', networks: [app-network], environment: {SERVER_PORT: wrong}}"
    )
    line = refused(deploy_with(f"services: {{extra: {service}}}\n", timeout=25), "myapp_extra has 0/1")
    diagnosis("a setting is wrong")
    lab.manager("service", "rm", f"{lab.STACK}_extra")
    return line


def cannot_be_pulled() -> str:
    """diagnose.sh on an image that cannot be pulled"""
    with _service("extra", "localhost:5000/nowhere:1"):
        return diagnosis("the image cannot be pulled")


def cannot_be_mounted() -> str:
    """diagnose.sh on a volume that cannot be mounted"""
    with _service("extra", "--mount", "type=bind,source=/nowhere,target=/data", "redis:7-alpine"):
        return diagnosis("a volume cannot be mounted")


def no_room() -> str:
    """diagnose.sh on reservations that no node has"""
    with _service("extra", "--reserve-memory", "900g", "redis:7-alpine"):
        return diagnosis("no node has the CPU or memory")


def no_such_node() -> str:
    """diagnose.sh on a constraint that no node satisfies"""
    with _service("extra", "--constraint", "node.labels.type == nothing", "redis:7-alpine"):
        return diagnosis("no node satisfies its placement")


def unhealthy() -> str:
    """diagnose.sh on a health check that fails"""
    probe = ["--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1", "--stop-grace-period", "1s"]
    with _service("extra", *probe, "redis:7-alpine", "sleep", "1000"):
        return diagnosis("its health check fails")


def wrong_peers() -> str:
    """diagnose.sh on typing errors, a wrong port, localhost and another network in a service's environment"""
    lab.manager("network", "create", "-d", "overlay", "osaga-elsewhere")
    wrong = ["-e", "A=http://service-ordr:21082", "-e", "B=http://service-order:8080"]
    wrong += ["-e", "C=jdbc:mysql://localhost:3306/orders", "-e", "D_HOST=redsi", "-e", "D_PORT=6379"]
    idle = ["redis:7-alpine", "sleep", "1000"]
    with (
        _service("extra", "--network", f"{lab.STACK}_app-network", *wrong, *idle),
        _service("apart", "--network", "osaga-elsewhere", "-e", "A=mysql:3306", *idle),
    ):
        found = diagnosis("service-ordr:21082: there", "redsi:6379: there", "localhost is that", "nobody answers on port 8080", "share no network")
    _remove_network("osaga-elsewhere")
    return found


def _remove_network(name: str) -> None:
    """Docker takes a moment to let the services go that used it."""
    deadline = time.monotonic() + 30
    while (done := lab.attempt(["docker", "network", "rm", name], lab.environment(lab.node(1)))).returncode:
        if time.monotonic() > deadline:
            raise Trouble(f"the network {name} was not removed: {done.stderr.strip()}")
        time.sleep(1)


def felt() -> str:
    """diagnose.sh on what makes an update felt: one replica, stop-first, no health check, no time to stop"""
    options = ["--detach", "-q", "--no-resolve-image", "--label", "com.docker.stack.namespace=felt"]
    name = ["--name", "felt_service-order", "--stop-grace-period", "5s"]
    lab.manager("service", "create", *options, *name, "redis:7-alpine", "sleep", "1000")
    try:
        done = lab.attempt(["deploy/diagnose.sh", "felt"], lab.environment(lab.node(1)))
    finally:
        lab.manager("service", "rm", "felt_service-order")
    lines = [line.strip() for line in done.stdout.splitlines() if "may be felt" in line]
    wanted = ("only 1 replica", "order stop-first", "no health check", "stop_grace_period under 30 s")
    if not lines or any(what not in lines[0] for what in wanted):
        raise Trouble(f"diagnose.sh: {done.stdout} {done.stderr}")
    return lines[0]


def drained() -> str:
    """diagnose.sh on a drained node; once it is active again, all stands by itself"""
    node = lab.manager("node", "ls", "-q", "--filter", "name=node1")
    lab.manager("node", "update", "--availability", "drain", node)
    try:
        found = diagnosis("node1 is Ready and Drain", "drained or paused" if len(lab.nodes()) == 1 else "Drain")
    finally:
        lab.manager("node", "update", "--availability", "active", node)
    stack.wait_until_it_stands(180)
    stack.order_when_ready()
    return found


def sizes() -> str:
    """the images: size and layers; no root, no shell, labelled"""
    rows = images.report()
    for image in images.ours():
        config = json.loads(lab.manager("image", "inspect", "-f", "{{json .Config}}", image))
        labels = {name for name in ("title", "version", "revision") if config["Labels"].get(f"org.opencontainers.image.{name}")}
        if config["User"] != "10001:10001" or len(labels) != 3:
            raise Trouble(f"{image}: user {config['User']}, labels {labels}")
        shell = lab.attempt(["docker", "run", "--rm", "--entrypoint", "sh", image, "-c", "true"], lab.environment(lab.node(1)))
        if shell.returncode != 127:
            raise Trouble(f"{image} has a shell: {shell.returncode} {shell.stderr.strip()}")
    return ", ".join(
        f"{row['image'].split('/')[1]} {row['bytes'] / 1e6:.0f} MB in {row['layers']} layers" for row in rows
    )


CHECKS = [
    stands, sizes, does_not_start, cannot_be_pulled, cannot_be_mounted, no_room, no_such_node, unhealthy, wrong_peers,
    felt, drained,
]  # fmt: skip
