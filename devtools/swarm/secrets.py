"""The variant with Docker secrets: it works, and no password is to be seen."""

from pathlib import Path

from .. import console
from ..console import Trouble
from . import lab, stack

_FILE = str(lab.STACK_FILE.parent / "deploy" / "docker-stack.secrets.yml")
_PLAIN = {"MYSQL_PASSWORD": "", "TEMPORAL_PASSWORD": ""}
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
    for service in services:
        seen[f"the log of {service}"] = lab.manager("service", "logs", service)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    seen["a command line"] = b"\n".join(lines).decode("utf-8", "replace")
    for number in lab.nodes():
        containers = lab.docker(lab.node(number), "ps", "-aq").split()
        seen[f"docker inspect on node{number}"] = lab.docker(lab.node(number), "inspect", *containers)
    return seen


def variant() -> str:
    """with Docker secrets an order is CONFIRMED, and no password is in an inspection, a log or on a command line"""
    missing = stack.attempt_deploy(_FILE, **_PLAIN)
    if missing.returncode == 0 or "is missing: docker secret create" not in missing.stderr:
        raise Trouble(f"deploy.sh without the secrets: {missing.returncode}, {missing.stderr}")
    done = lab.attempt(["deploy/secrets.sh"], lab.environment(lab.node(1)))
    if done.returncode:
        raise Trouble(done.stderr)
    try:
        return _deployed()
    finally:
        stack.remove()
        lab.manager("secret", "rm", *_NAMES)


def _deployed() -> str:
    done = stack.attempt_deploy(_FILE, **_PLAIN)
    if done.returncode:
        raise Trouble(done.stderr)
    stack.order_when_ready()
    passwords = _passwords()
    if len(passwords) != len(_NAMES):
        raise Trouble(f"{len(passwords)} passwords are in use, {len(_NAMES)} were made")
    leaks = [where for where, text in _visible().items() for password in [*passwords, "root1234"] if password in text]
    if leaks:
        raise Trouble(f"a password is in {', '.join(leaks)}")
    console.step(f"looked in {', '.join(_visible())[:200]} …")
    return f"{len(passwords)} passwords, seen nowhere"
