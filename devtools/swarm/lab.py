"""Where the lab is: its folders, its nodes' names and addresses, and how to run a command in a node."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import layout, packages
from ..console import Trouble

RUN = Path("/run/order-saga-lab")
BRIDGE = "osaga-net"
SUBNET = "10.99.0"
STACK = "myapp"
STACK_FILE = layout.ROOT / "docker-stack.dev.yml"
OVERRIDE = layout.ROOT / "deploy" / "lab" / "docker-stack.lab.yml"
HURRY = str(OVERRIDE.with_name("docker-stack.hurry.yml"))
SERVICES = ("orchestrator-temporal", "service-order", "service-inventory", "service-payment")

_GO = (1, 26)
_PROGRAMS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "curl": "curl",
}


def cache() -> Path:
    """What takes long to make: base systems, programs, images, the nodes' image stores."""
    return layout.cache_dir() / "lab"


def logs() -> Path:
    """The daemons' logs."""
    return layout.LOGS / "swarm"


def require() -> None:
    """Root and the programs; installs those that are missing."""
    if reason := unfit():
        raise Trouble(f"the lab makes network namespaces and starts Docker daemons; here it cannot: {reason}")
    packages.install({package for program, package in _PROGRAMS.items() if not shutil.which(program)})
    for folder in (RUN, cache(), logs()):
        folder.mkdir(parents=True, exist_ok=True)


def unfit() -> str:
    """Why this machine cannot have the lab; empty if it can."""
    if os.geteuid() != 0:
        return "we are not root"
    if not shutil.which("apt-get"):
        return "it is no Debian system"
    if attempt(["unshare", "--net", "--mount", "--uts", "true"]).returncode:
        return "it lets nobody make network namespaces"
    if "--compose-file" not in attempt(["docker", "stack", "config", "--help"]).stdout:
        return "its docker command is missing or older than 23, which cannot deploy jobs"
    if _go_version() < _GO:
        return f"it has no Go {'.'.join(map(str, _GO))} or newer, which Temporal's programs need (https://go.dev/dl)"
    return ""


def go() -> str | None:
    """Go's command, also where its installation puts it without telling the shell."""
    return shutil.which("go") or shutil.which("/usr/local/go/bin/go")


def _go_version() -> tuple[int, ...]:
    """For instance (1, 26); empty without Go."""
    said = attempt([go() or "go", "version"], {"GOTOOLCHAIN": "local"}).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


def node(number: int) -> str:
    """A node's name, which is its network namespace's as well."""
    return f"osaga-node{number}"


def address(number: int) -> str:
    """A node's address on the bridge between the nodes."""
    return f"{SUBNET}.{number}"


def socket(name: str) -> Path:
    """Where a daemon listens."""
    return RUN / f"{name}.sock"


def pid_file(name: str) -> Path:
    """Where a daemon's number is."""
    return RUN / f"{name}.pid"


def pid(name: str) -> int | None:
    """A daemon's process, if it runs."""
    try:
        number = int(pid_file(name).read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if b"dockerd" in command else None


def nodes() -> list[int]:
    """The numbers of the nodes that run."""
    return [number for number in range(1, 10) if pid(node(number))]


def environment(name: str) -> dict[str, str]:
    """What makes the docker command talk to a daemon; the lab's replacement for what a stack file leaves open."""
    return {"DOCKER_HOST": f"unix://{socket(name)}", "ORCHESTRATOR_PORT": "0", "DOCKER_BUILDKIT": "0"}


def docker(name: str, *words: str, timeout: float = 600) -> str:
    """What a docker command at a daemon prints; trouble if it fails."""
    done = attempt(["docker", *words], environment(name), timeout)
    if done.returncode:
        raise Trouble(f"`docker {' '.join(words)}` at {name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def manager(*words: str, timeout: float = 600) -> str:
    """`docker` at the first node."""
    return docker(node(1), *words, timeout=timeout)


def inside(number: int, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program in a node's network, where `localhost` is that node."""
    return attempt(["nsenter", f"--net=/run/netns/{node(number)}", *words], {}, timeout)


def attempt(
    words: Sequence[str], environment: Mapping[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a program and give back its exit code and output."""
    merged = {**os.environ, **(environment or {})}
    try:
        return subprocess.run(
            list(words), cwd=layout.ROOT, env=merged, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as missing:
        return subprocess.CompletedProcess(list(words), 127, "", str(missing))
    except subprocess.TimeoutExpired as slow:
        raise Trouble(f"`{' '.join(words)}` took longer than {timeout:.0f} s") from slow
