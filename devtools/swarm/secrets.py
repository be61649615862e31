"""The variant with Docker secrets: it works, and no password is to be seen."""

import contextlib
import threading
from pathlib import Path
from typing import Self

from ..console import Trouble
from . import lab, stack

# What an operator may have left in the environment; the other one is not set at all.
_LEFT_OVER = {"MYSQL_PASSWORD": "left-over-4711"}
_NAMES = ("mysql_password_v1", "redis_password_v1", "temporal_password_v1")


def _passwords() -> list[str]:
    """The secrets' contents, as the containers that have them see them."""
    found = set()
    for number in lab.nodes():
        for container in lab.docker(lab.node(number), "ps", "-q", "--filter", f"name={lab.STACK}_").split():
            pid = lab.docker(lab.node(number), "inspect", "-f", "{{.State.Pid}}", container)
            folder = Path(f"/proc/{pid}", "root", "run", "secrets")
            found |= {path.read_text() for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(found)


def _visible() -> dict[str, str]:
    """Everything that an operator, or another process, can look at."""
    services = lab.manager("stack", "services", "-q", lab.STACK).split()
    seen = {"docker service inspect": lab.manager("service", "inspect", *services)}
    for number in lab.nodes():
        containers = lab.docker(lab.node(number), "ps", "-aq").split()
        seen[f"docker inspect on node{number}"] = lab.docker(lab.node(number), "inspect", *containers)
        seen[f"the daemon's log on node{number}"] = (lab.logs() / f"{lab.node(number)}.log").read_text(errors="replace")
        seen |= _logs(number, containers)
    return seen


def _logs(number: int, containers: list[str]) -> dict[str, str]:
    """What containers have logged, as it lies on the disk. `docker service logs` shows the same, but hangs now and then."""
    found = {}
    for line in lab.docker(lab.node(number), "inspect", "-f", "{{.LogPath}} {{.Name}}", *containers).splitlines():
        path, _, name = line.partition(" ")
        files = sorted(Path(path).parent.glob(Path(path).name + "*"))
        found[f"the log of {name} on node{number}"] = "".join(file.read_text(errors="replace") for file in files)
    if not any(found.values()):
        raise Trouble(f"no container on node{number} has logged anything: were the logs found?")
    return found


def variant() -> str:
    """with Docker secrets an order is CONFIRMED, and no password is in an inspection, a log or on a command line"""
    _guarded()
    done = lab.attempt(["deploy/secrets.sh"], lab.environment(lab.node(1)))
    if done.returncode:
        raise Trouble(done.stderr)
    try:
        return _deployed()
    finally:
        stack.remove()
        lab.manager("secret", "rm", *_NAMES)


def _guarded() -> None:
    """`docker stack deploy` alone refuses the variant unless the plain passwords are there and empty."""
    words = ["docker", "stack", "deploy", *stack.files(stack.variant("secrets")), lab.STACK]
    for variables, text in (({}, "must be set and empty"), ({**_LEFT_OVER, "TEMPORAL_PASSWORD": ""}, "not found")):
        done = lab.attempt(words, {**lab.environment(lab.node(1)), **variables})
        if done.returncode == 0 or text not in done.stderr:
            raise Trouble(f"docker stack deploy with {variables}: {done.returncode}, {done.stderr}")


class _CommandLines:
    """Every command line there was while the block ran, looked at many times a second."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._end.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(path.read_bytes())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def _deployed() -> str:
    with _CommandLines() as lines:
        done = stack.attempt_deploy(stack.variant("secrets"), **_LEFT_OVER)
    if done.returncode or "MYSQL_PASSWORD is not used" not in done.stdout:
        raise Trouble(done.stderr or done.stdout)
    stack.order_when_ready()
    passwords = _passwords()
    if len(passwords) != len(_NAMES):
        raise Trouble(f"{len(passwords)} passwords are in use, {len(_NAMES)} were made")
    plain = ["root1234", *_LEFT_OVER.values()]
    seen = _visible()
    seen["a command line"] = b"\n".join(lines.seen).decode("utf-8", "replace")
    leaks = [where for where, text in seen.items() for password in [*passwords, *plain] if password in text]
    if leaks:
        raise Trouble(f"a password is in {', '.join(leaks)}")
    return f"{len(passwords)} passwords, in none of {len(seen)} places"
