"""The stack in the lab: deploy it with the product's own script, inspect it, remove it."""

import json
import subprocess
import time
from collections.abc import Mapping

from devtools import console
from devtools.console import CliError
from lab import docker, nodes, settings

_LABEL = f"label=com.docker.stack.namespace={settings.STACK}"

Task = dict[str, str]


def variant(name: str) -> str:
    """The stack file of a variant: stage, nodes or secrets."""
    return str(settings.STACK_FILE.parent / "deploy" / f"docker-stack.{name}.yml")


def files(*more: str) -> list[str]:
    """The options for the stack files: the product's file, more files, and the lab's override last."""
    several = [variant("nodes")] if len(nodes.running()) > 1 else []
    paths = [str(settings.STACK_FILE), *several, *more, str(settings.OVERRIDE)]
    return [word for path in paths for word in ("-c", path)]


def deploy(*more: str, timeout: int = 240) -> str:
    """Run deploy/deploy.sh with the lab's override; return its output. Raise a CLI error if it fails."""
    done = attempt_deploy(*more, timeout=timeout)
    if done.returncode:
        raise CliError(done.stderr.strip() or done.stdout.strip())
    console.step(done.stdout.strip().splitlines()[-1])
    return done.stdout


def attempt_deploy(
    *more: str, timeout: int = 240, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run deploy/deploy.sh with the lab's override; the caller checks the exit code."""
    words = ["deploy/deploy.sh", *files(*more), "--timeout", str(timeout), settings.STACK, "--"]
    return docker.at_manager(*words, "--resolve-image", "never", timeout=timeout + 120, variables=variables)


def remove() -> None:
    """Remove the stack and its volumes, and wait until nothing of it is left."""
    docker.manager("stack", "rm", settings.STACK)
    deadline = time.monotonic() + 120
    while _remains() and time.monotonic() < deadline:
        time.sleep(0.5)
    if remains := _remains():
        raise CliError(f"120 s after `docker stack rm` these still exist: {remains}")
    for number in nodes.running():
        name = settings.node(number)
        _remove_ended_containers(name)
        volumes = docker.run(name, "volume", "ls", "-q", "--filter", f"name={settings.STACK}_").split()
        if volumes:
            docker.run(name, "volume", "rm", *volumes)


def _remove_ended_containers(name: str) -> None:
    """Remove the ended containers of the stack. Docker may remove them at the same time."""
    for container in docker.run(name, "ps", "-aq", "--filter", _LABEL).split():
        done = docker.attempt(name, "rm", container)
        if done.returncode and "No such container" not in done.stderr and "already in progress" not in done.stderr:
            raise CliError(f"`docker rm {container}` at {name}: {done.stderr.strip()}")


def _remains() -> str:
    """Networks and running containers of the stack. An old engine may forget to delete an ended container."""
    found = docker.manager("network", "ls", "-q", "--filter", _LABEL)
    for number in nodes.running():
        found += docker.run(settings.node(number), "ps", "-q", "--filter", _LABEL)
    return found


def tasks(service: str = "", running: bool = True) -> list[Task]:
    """The tasks of a service, or of the whole stack."""
    wanted = ["--filter", "desired-state=running"] if running else []
    words = ["service", "ps", f"{settings.STACK}_{service}"] if service else ["stack", "ps", settings.STACK]
    lines = docker.manager(*words, "--no-trunc", "--format", "{{json .}}", *wanted).splitlines()
    return [json.loads(line) for line in lines]


def services() -> dict[str, str]:
    """The replicas of each service, as `docker stack services` prints them."""
    lines = docker.manager("stack", "services", settings.STACK, "--format", "{{.Name}} {{.Replicas}}").splitlines()
    pairs = (line.split(" ", 1) for line in lines)
    return {name.removeprefix(f"{settings.STACK}_"): replicas for name, replicas in pairs}


def is_complete(replicas: str) -> bool:
    """Whether all replicas run: "2/2" for a service, "0/1 (1/1 completed)" for a job that has ended."""
    have, _, want = replicas.removesuffix(" completed)").rpartition("(")[2].partition("/")
    return have == want


def wait_until_complete(limit: float) -> None:
    """Wait until all services have their replicas."""
    deadline = time.monotonic() + limit
    while missing := {name: replicas for name, replicas in services().items() if not is_complete(replicas)}:
        if time.monotonic() > deadline:
            raise CliError(f"after {limit:.0f} s these services are still incomplete: {missing}")
        time.sleep(1)


def wait_for_edge_everywhere(limit: float) -> None:
    """Wait until the edge runs on every node. Swarm starts it on a node that has just joined."""
    count = len(nodes.running())
    wanted, deadline = f"{count}/{count}", time.monotonic() + limit
    while (now := services()["edge"]) != wanted:
        if time.monotonic() > deadline:
            raise CliError(f"the edge has {now} replicas after {limit:.0f} s")
        time.sleep(1)


def remove_network(name: str, limit: float = 30) -> None:
    """Remove a network. Docker refuses this for a moment after its services were removed."""
    deadline = time.monotonic() + limit
    while (done := docker.attempt(settings.node(1), "network", "rm", name)).returncode:
        if time.monotonic() > deadline:
            raise CliError(f"the network {name} was not removed: {done.stderr.strip()}")
        time.sleep(1)


def container(service: str) -> tuple[str, str]:
    """The node and the id of one running container of a service."""
    for number in nodes.running():
        found = docker.run(settings.node(number), "ps", "-q", "--filter", f"name={settings.STACK}_{service}").split()
        if found:
            return settings.node(number), found[0]
    raise CliError(f"no container of {service} runs")
