"""What deploy.sh and diagnose.sh say when something is wrong. They run on a stack that stands, and leave it so."""

import subprocess
import tempfile
from pathlib import Path

from ..console import Trouble
from . import images, lab, stack

_ORDER = f"{lab.STACK}_service-order"


def refused(done: subprocess.CompletedProcess[str], text: str) -> str:
    """One clear line and a non-zero exit code; the line."""
    lines = done.stderr.strip().splitlines()
    if done.returncode == 0 or len(lines) != 1 or text not in lines[0]:
        raise Trouble(f"exit code {done.returncode}, expected one line with {text!r}, got: {done.stderr.strip()}")
    return lines[0]


def _deploy_with(override: str, timeout: int = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    """deploy.sh with one more override."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write('version: "3.8"\n' + override)
        file.flush()
        return stack.attempt_deploy(file.name, timeout=timeout, **variables)


def _diagnosis(cause: str) -> str:
    """deploy/diagnose.sh finds this cause."""
    done = lab.attempt(["deploy/diagnose.sh", lab.STACK], lab.environment(lab.node(1)))
    lines = [line.strip() for line in done.stdout.splitlines() if cause in line]
    if done.returncode == 0 or not lines:
        raise Trouble(f"diagnose.sh did not find {cause!r}: {done.stdout} {done.stderr}")
    return lines[0]


def stands() -> str:
    """diagnose.sh finds no fault in a stack that stands"""
    stack.deploy()
    stack.order_when_ready()
    done = lab.attempt(["deploy/diagnose.sh", lab.STACK], lab.environment(lab.node(1)))
    if done.returncode:
        raise Trouble(f"{done.stdout} {done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def missing_image() -> str:
    """deploy.sh with an image that is nowhere"""
    return refused(stack.attempt_deploy(TAG="nowhere"), "is neither on this node nor in its registry")


def missing_label() -> str:
    """deploy.sh with a label that no node has"""
    nodes = str(lab.STACK_FILE.parent / "deploy" / "docker-stack.nodes.yml")
    return refused(stack.attempt_deploy(nodes), "no node has the label type=db")


def wrong_file() -> str:
    """deploy.sh with a stack file that is wrong"""
    return refused(_deploy_with("services: {service-order: {depends_on: {mysql: {}}}}\n"), "the stack file is wrong")


def never_healthy() -> str:
    """an update that never gets healthy: deploy.sh fails, Swarm goes back, and no order is lost"""
    probe = 'healthcheck: {test: [CMD, /usr/local/bin/service-order, nonsense], interval: 2s, retries: 2, start_period: 1s}'
    done = _deploy_with(f"services: {{service-order: {{{probe}}}}}\n", timeout=180)
    line = refused(done, "rollback")
    stack.order_when_ready(10)
    _diagnosis("its last update is rollback")
    return line


def wrong_setting() -> str:
    """an update with a wrong setting: deploy.sh fails and Swarm goes back"""
    environment = "environment: {SERVER_PORT: nonsense}"
    line = refused(_deploy_with(f"services: {{service-payment: {{{environment}}}}}\n", timeout=180), "rollback")
    stack.order_when_ready(10)
    return line


def does_not_start() -> str:
    """a new service that never stands: deploy.sh says which after its time, diagnose.sh says why"""
    service = "{image: 'localhost:5000/service-order:latest', networks: [app-network], environment: {%s}}"
    done = _deploy_with("services: {extra: %s}\n" % (service % "SERVER_PORT: nonsense"), timeout=25)
    line = refused(done, "myapp_extra has 0/1")
    _diagnosis("a setting is wrong")
    lab.manager("service", "rm", f"{lab.STACK}_extra")
    return line


def no_room() -> str:
    """diagnose.sh on reservations that no node has"""
    lab.manager("service", "create", "--detach", "-q", "--name", f"{lab.STACK}_extra", "--reserve-memory", "900g",
                "--no-resolve-image", "--label", f"com.docker.stack.namespace={lab.STACK}", "redis:7-alpine")  # fmt: skip
    try:
        return _diagnosis("no node has the CPU or memory")
    finally:
        lab.manager("service", "rm", f"{lab.STACK}_extra")


def wrong_peers() -> str:
    """diagnose.sh on a typing error, a wrong port and another network in a service's environment"""
    lab.manager("network", "create", "-d", "overlay", "osaga-elsewhere")
    base = ["service", "create", "--detach", "-q", "--no-resolve-image", "--label",
            f"com.docker.stack.namespace={lab.STACK}"]  # fmt: skip
    on = f"{lab.STACK}_app-network"
    idle = ["redis:7-alpine", "sleep", "1000"]
    lab.manager(*base, "--name", f"{lab.STACK}_extra", "--network", on, "-e", "A=http://service-ordr:21082",
                "-e", "B=http://service-order:8080", *idle)  # fmt: skip
    lab.manager(*base, "--name", f"{lab.STACK}_apart", "--network", "osaga-elsewhere", "-e", "A=mysql:3306", *idle)
    try:
        found = [_diagnosis(cause) for cause in ("a typing error?", "nobody answers on port 8080", "share no network")]
    finally:
        lab.manager("service", "rm", f"{lab.STACK}_extra", f"{lab.STACK}_apart")
    lab.attempt(["sleep", "3"])
    lab.manager("network", "rm", "osaga-elsewhere")
    return "; ".join(found)


def release_and_rollback() -> str:
    """a release with another tag, and deploy/rollback.sh back, without an order lost"""
    for number in lab.nodes():
        for service in lab.SERVICES:
            lab.docker(lab.node(number), "tag", f"localhost:5000/{service}:latest", f"localhost:5000/{service}:next")
    done = stack.attempt_deploy(TAG="next", timeout=400)
    if done.returncode:
        raise Trouble(done.stderr)
    stack.order_when_ready(10)
    back = lab.attempt(["deploy/rollback.sh", "service-order"], lab.environment(lab.node(1)), 400)
    if back.returncode or ":latest" not in back.stdout:
        raise Trouble(f"rollback.sh: {back.stdout} {back.stderr}")
    stack.order_when_ready(10)
    stands()
    return back.stdout.strip()


def sizes() -> str:
    """the images: size and layers"""
    rows = images.report()
    return ", ".join(f"{row['image'].split('/')[1]} {row['bytes'] / 1e6:.0f} MB in {row['layers']} layers" for row in rows)


CHECKS = [
    stands, sizes, missing_image, missing_label, wrong_file, never_healthy, wrong_setting, does_not_start, no_room,
    wrong_peers, release_and_rollback,
]  # fmt: skip
