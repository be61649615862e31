"""diagnose.sh names the cause of each fault in section 13 of the Korean guide (see docs/guide-deviations.md)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from devtools.console import CliError
from lab import docker, nodes, orders, settings, stack
from lab.images import names, services
from lab.scripts import deploy_with, diagnose, diagnosis, refused

_LABEL = f"com.docker.stack.namespace={settings.STACK}"
_IDLE = ("redis:7-alpine", "sleep", "1000")
_NO_SUCH_PROGRAM = 127


@contextmanager
def _service(name: str, *words: str) -> Iterator[None]:
    """One more service in the stack, as an operator could have created it."""
    name = f"{settings.STACK}_{name}"
    create = ["service", "create", "--detach", "-q", "--no-resolve-image", "--name", name, "--label", _LABEL]
    docker.manager(*create, *words)
    try:
        yield
    finally:
        docker.manager("service", "rm", name)


def healthy() -> str:
    """diagnose.sh finds no fault in a healthy stack."""
    done = diagnose()
    if done.returncode:
        raise CliError(f"{done.stdout} {done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def does_not_start() -> str:
    """A new service never starts: deploy.sh names it after the time limit, and diagnose.sh says why."""
    service = (
        "{image: 'localhost:5000/service-order:latest', networks: [app-network], environment: {SERVER_PORT: wrong}}"
    )
    line = refused(deploy_with(f"services: {{extra: {service}}}\n", timeout=25), "myapp_extra has 0/1")
    diagnosis("a setting is wrong")
    docker.manager("service", "rm", f"{settings.STACK}_extra")
    return line


def cannot_be_pulled() -> str:
    """diagnose.sh names an image that cannot be pulled."""
    with _service("extra", "localhost:5000/nowhere:1"):
        return diagnosis("the image cannot be pulled")


def cannot_be_mounted() -> str:
    """diagnose.sh names a volume that cannot be mounted."""
    with _service("extra", "--mount", "type=bind,source=/nowhere,target=/data", "redis:7-alpine"):
        return diagnosis("a volume cannot be mounted")


def too_large() -> str:
    """diagnose.sh names reservations that no node can satisfy."""
    with _service("extra", "--reserve-memory", "900g", "redis:7-alpine"):
        return diagnosis("no node has the CPU or memory")


def no_such_node() -> str:
    """diagnose.sh names a constraint that no node satisfies."""
    with _service("extra", "--constraint", "node.labels.type == nothing", "redis:7-alpine"):
        return diagnosis("no node satisfies its placement")


def unhealthy() -> str:
    """diagnose.sh names a health check that fails."""
    probe = ["--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1", "--stop-grace-period", "1s"]
    with _service("extra", *probe, *_IDLE):
        return diagnosis("its health check fails")


def wrong_addresses() -> str:
    """diagnose.sh finds a misspelt name, a wrong port, localhost and a service on a different network."""
    docker.manager("network", "create", "-d", "overlay", "osaga-elsewhere")
    wrong = ["-e", "A=http://service-ordr:21082", "-e", "B=http://service-order:8080"]
    wrong += ["-e", "C=jdbc:mysql://localhost:3306/orders", "-e", "D_HOST=redsi", "-e", "D_PORT=6379"]
    with (
        _service("extra", "--network", f"{settings.STACK}_app-network", *wrong, *_IDLE),
        _service("apart", "--network", "osaga-elsewhere", "-e", "A=mysql:3306", *_IDLE),
    ):
        found = diagnosis(
            "service-ordr:21082: there",
            "redsi:6379: there",
            "localhost is that",
            "nothing answers on port 8080",
            "share no network",
        )
    stack.remove_network("osaga-elsewhere")
    return found


def noticeable_update() -> str:
    """diagnose.sh warns about a single replica, stop-first, a missing health check and a short stop time."""
    options = ["--detach", "-q", "--no-resolve-image", "--label", "com.docker.stack.namespace=noticed"]
    name = ["--name", "noticed_service-order", "--stop-grace-period", "5s"]
    docker.manager("service", "create", *options, *name, *_IDLE)
    try:
        done = diagnose("noticed")
    finally:
        docker.manager("service", "rm", "noticed_service-order")
    lines = [line.strip() for line in done.stdout.splitlines() if "may notice" in line]
    wanted = ("only 1 replica", "order stop-first", "no health check", "stop_grace_period under 30 s")
    if not lines or any(text not in lines[0] for text in wanted):
        raise CliError(f"diagnose.sh: {done.stdout} {done.stderr}")
    return lines[0]


def drained() -> str:
    """diagnose.sh names a drained node; once the node is active again, the stack recovers automatically."""
    node = docker.manager("node", "ls", "-q", "--filter", "name=node1")
    docker.manager("node", "update", "--availability", "drain", node)
    try:
        one_node = len(nodes.running()) == 1
        found = diagnosis("node1 is Ready and Drain", "drained or paused" if one_node else "Drain")
    finally:
        docker.manager("node", "update", "--availability", "active", node)
    stack.wait_until_complete(180)
    orders.wait_for_confirmed()
    return found


def images() -> str:
    """The images do not run as root, have no shell and are labelled; this prints their sizes and layers."""
    for image in names.services():
        _inspect_image(image)
    rows = services.sizes()
    return ", ".join(f"{row.image.split('/')[1]} {row.size / 1e6:.0f} MB in {row.layers} layers" for row in rows)


def _inspect_image(image: str) -> None:
    config = json.loads(docker.manager("image", "inspect", "-f", "{{json .Config}}", image))
    wanted = ("title", "version", "revision")
    missing = [label for label in wanted if not config["Labels"].get(f"org.opencontainers.image.{label}")]
    if config["User"] != "10001:10001" or missing:
        raise CliError(f"{image}: user {config['User']}, missing labels {missing}")
    shell = docker.attempt(settings.node(1), "run", "--rm", "--entrypoint", "sh", image, "-c", "true")
    if shell.returncode != _NO_SUCH_PROGRAM:
        raise CliError(f"{image} has a shell: {shell.returncode} {shell.stderr.strip()}")


CHECKS = [
    healthy,
    images,
    does_not_start,
    cannot_be_pulled,
    cannot_be_mounted,
    too_large,
    no_such_node,
    unhealthy,
    wrong_addresses,
    noticeable_update,
    drained,
]
