"""The variant with Docker secrets: orders work, and no password is visible."""

import contextlib
import threading
from pathlib import Path
from typing import Self

from devtools.console import CliError
from lab import docker, nodes, orders, settings, stack

# A password that an operator left in the environment. The other password is not set.
_LEFT_OVER = {"MYSQL_PASSWORD": "left-over-4711"}
_NAMES = ("mysql_password_v1", "redis_password_v1", "temporal_password_v1")
_INTERVAL_SECONDS = 0.02


def _passwords() -> list[str]:
    """The contents of the secrets, as the containers see them."""
    found: set[str] = set()
    for number in nodes.running():
        name = settings.node(number)
        for container in docker.run(name, "ps", "-q", "--filter", f"name={settings.STACK}_").split():
            pid = docker.run(name, "inspect", "-f", "{{.State.Pid}}", container)
            folder = Path(f"/proc/{pid}", "root", "run", "secrets")
            found |= {path.read_text() for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(found)


def _visible() -> dict[str, str]:
    """Everything that an operator or another process can read."""
    services = docker.manager("stack", "services", "-q", settings.STACK).split()
    seen = {"docker service inspect": docker.manager("service", "inspect", *services)}
    for number in nodes.running():
        name = settings.node(number)
        containers = docker.run(name, "ps", "-aq").split()
        seen[f"docker inspect on node{number}"] = docker.run(name, "inspect", *containers)
        seen[f"the daemon's log on node{number}"] = (settings.logs() / f"{name}.log").read_text(errors="replace")
        seen |= _logs(number, containers)
    return seen


def _logs(number: int, containers: list[str]) -> dict[str, str]:
    """The logs of containers, from the disk: `docker service logs` shows the same, but sometimes hangs."""
    found = {}
    form = ("-f", "{{.LogPath}} {{.Name}}")
    for line in docker.run(settings.node(number), "inspect", *form, *containers).splitlines():
        path, _, name = line.partition(" ")
        files = sorted(Path(path).parent.glob(Path(path).name + "*"))
        found[f"the log of {name} on node{number}"] = "".join(file.read_text(errors="replace") for file in files)
    if not any(found.values()):
        raise CliError(f"all container logs on node{number} are empty, so nothing was checked")
    return found


def variant() -> str:
    """With Docker secrets an order is CONFIRMED, and no inspection, log or command line contains a password."""
    _requires_empty_passwords()
    done = docker.at_manager("deploy/secrets.sh")
    if done.returncode:
        raise CliError(done.stderr)
    try:
        return _deploy_and_look()
    finally:
        stack.remove()
        docker.manager("secret", "rm", *_NAMES)


def _requires_empty_passwords() -> None:
    """`docker stack deploy` alone refuses the variant unless both plain passwords are set and empty."""
    words = ["docker", "stack", "deploy", *stack.files(stack.variant("secrets")), settings.STACK]
    empty = {**_LEFT_OVER, "TEMPORAL_PASSWORD": ""}
    variables: dict[str, str]
    for variables, text in (({}, "must be set and empty"), (empty, "not found")):
        done = docker.at_manager(*words, variables=variables)
        if done.returncode == 0 or text not in done.stderr:
            raise CliError(f"docker stack deploy with {variables}: {done.returncode}, {done.stderr}")


class _CommandLines:
    """Every command line that existed while the block ran, sampled many times per second."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._end.wait(_INTERVAL_SECONDS):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(path.read_bytes())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def _deploy_and_look() -> str:
    with _CommandLines() as lines:
        done = stack.attempt_deploy(stack.variant("secrets"), variables=_LEFT_OVER)
    if done.returncode or "MYSQL_PASSWORD is not used" not in done.stdout:
        raise CliError(done.stderr or done.stdout)
    orders.wait_for_confirmed()
    passwords = _passwords()
    if len(passwords) != len(_NAMES):
        raise CliError(f"{len(passwords)} passwords are in use, but {len(_NAMES)} were made")
    plain = ["root1234", *_LEFT_OVER.values()]
    seen = _visible()
    seen["a command line"] = b"\n".join(lines.seen).decode("utf-8", "replace")
    leaks = [where for where, text in seen.items() for password in [*passwords, *plain] if password in text]
    if leaks:
        raise CliError(f"a password is in {', '.join(leaks)}")
    return f"{len(passwords)} passwords, in none of {len(seen)} places"
