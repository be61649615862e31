"""The nodes: a network namespace and a real dockerd each, joined by a bridge."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .. import console, layout
from ..console import Trouble
from . import lab

# A dockerd with the machine's cgroups but a /sys, /run/docker and host name of its own.
_START = """
hostname "$NODE"
mount --make-rprivate /
mkdir -p /run/osaga-cgroup /run/docker
mount --rbind /sys/fs/cgroup /run/osaga-cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/osaga-cgroup /sys/fs/cgroup
mount -t tmpfs tmpfs /run/docker
python3 "$NXDOMAIN" "$ADDRESS" &
exec dockerd "$@"
"""


def _ip(*words: str) -> None:
    done = lab.attempt(["ip", *words])
    if done.returncode:
        raise Trouble(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")


def _has_namespace(name: str) -> bool:
    return os.path.exists(f"/run/netns/{name}")


def _bridge() -> None:
    if _has_namespace(lab.BRIDGE):
        return
    _ip("netns", "add", lab.BRIDGE)
    _ip("-n", lab.BRIDGE, "link", "add", "br0", "type", "bridge")
    _ip("-n", lab.BRIDGE, "link", "set", "br0", "up")


def _cable(number: int) -> None:
    """A namespace with loopback, and a cable to the bridge."""
    name, port = lab.node(number), f"node{number}"
    if _has_namespace(name):
        return
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", lab.BRIDGE, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("-n", lab.BRIDGE, "link", "set", port, "master", "br0", "up")
    _ip("-n", name, "addr", "add", f"{lab.address(number)}/24", "dev", "eth0")
    _ip("-n", name, "link", "set", "eth0", "up")


def _spawn(name: str, words: list[str], environment: dict[str, str]) -> None:
    """Start a daemon that outlives us and wait until it answers."""
    with open(lab.logs() / f"{name}.log", "ab") as log:
        child = subprocess.Popen(
            words,
            env={**os.environ, "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + 90
    while lab.attempt(["docker", "version"], lab.environment(name)).returncode:
        if child.poll() is not None or time.monotonic() > deadline:
            end = "\n".join(console.last_lines(lab.logs() / f"{name}.log"))
            raise Trouble(f"dockerd of {name} did not start:\n{end}")
        time.sleep(0.3)


def _share_of_cpu(group: str, shares: int) -> None:
    """All containers together count as this many shares; a process beside them has 1024 (cgroups 1 and 2)."""
    cgroups = Path("/sys/fs/cgroup")
    one = (cgroups / "cpu" / group, "cpu.shares", shares)
    two = (cgroups / group, "cpu.weight", max(1, shares // 10))
    folder, file, value = one if one[0].parent.is_dir() else two
    folder.mkdir(exist_ok=True)
    if (folder / file).exists():  # with cgroups 2 the controller may be off; then all count alike
        (folder / file).write_text(str(value))


def _options(name: str, group: str, shares: int) -> list[str]:
    _share_of_cpu(group, shares)
    return [
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent=/{group}",
        f"--data-root={lab.cache() / name}",
        f"--exec-root={lab.RUN / name}",
        f"--pidfile={lab.pid_file(name)}",
        f"--host=unix://{lab.socket(name)}",
    ]


def start(number: int) -> None:
    """Start a node, unless it runs."""
    name = lab.node(number)
    if lab.pid(name) and not lab.attempt(["docker", "version"], lab.environment(name)).returncode:
        return
    stop(name)
    _bridge()
    _cable(number)
    shutil.rmtree(lab.cache() / name / "swarm", ignore_errors=True)
    enter = ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "--uts", "bash", "-euc", _START, "dockerd"]
    address = lab.address(number)
    network = [f"--dns={address}", "--experimental", f"--metrics-addr={address}:9323"]
    responder = str(layout.ROOT / "devtools" / "swarm" / "nxdomain.py")
    environment = {"NODE": f"node{number}", "ADDRESS": address, "NXDOMAIN": responder}
    _spawn(name, [*enter, *_options(name, "order-saga-lab", 8192), *network], environment)
    console.step(f"node{number}: a Docker daemon at {lab.address(number)}")


# A bridge each, in a network for documentation (RFC 5737): a daemon that has none removes `docker0`, and with it the default
# network of the machine's own Docker.
_ASIDE = {"builder": "192.0.2.1/28", "store": "192.0.2.17/28"}


def start_aside(name: str) -> None:
    """A daemon in the machine's own network, for building and loading images alone."""
    if lab.pid(name):
        return
    bridge = f"osaga-{name}"
    if not Path("/sys/class/net", bridge).exists():
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", _ASIDE[name], "dev", bridge)
    words = _options(name, f"order-saga-{name}", 128)
    apart = [f"--bridge={bridge}", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]
    _spawn(name, ["nice", "dockerd", *words, *apart], {})


def start_builder() -> None:
    """The daemon that builds images: its builds reach the package servers."""
    start_aside("builder")


def stop_aside(name: str) -> None:
    """Stop such a daemon, and take its bridge away."""
    stop(name)
    if Path("/sys/class/net", f"osaga-{name}").exists():
        _ip("link", "delete", f"osaga-{name}")


def stop(name: str) -> None:
    """Stop a daemon, if it runs, and what it runs with it."""
    number = lab.pid(name)
    if number is None:
        return
    os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while lab.pid(name) and time.monotonic() < deadline:
        time.sleep(0.2)
    if lab.pid(name):
        os.kill(number, signal.SIGKILL)
        console.warn(f"dockerd of {name} had to be killed")


def stop_all(wipe: bool) -> None:
    """Stop every node and remove the network; `wipe` removes the nodes' images as well."""
    for number in range(9, 0, -1):
        name = lab.node(number)
        stop(name)
        if _has_namespace(name):
            _ip("netns", "delete", name)
        if wipe:
            shutil.rmtree(lab.cache() / name, ignore_errors=True)
    if _has_namespace(lab.BRIDGE):
        _ip("netns", "delete", lab.BRIDGE)


def form(count: int) -> None:
    """Start so many nodes and make them one Swarm: the first manages, the others work."""
    start(1)
    if _swarm(1) == "inactive":
        lab.manager("swarm", "init", "--advertise-addr", lab.address(1))
    for number in range(2, count + 1):
        start(number)
        if _swarm(number) == "inactive":
            token = lab.manager("swarm", "join-token", "-q", "worker")
            lab.docker(lab.node(number), "swarm", "join", "--token", token, f"{lab.address(1)}:2377")
    if count > 1:
        lab.manager("node", "update", "--label-add", "type=db", "node1")
    ready = lab.manager("node", "ls", "--format", "{{.Status}}").split().count("Ready")
    if ready != count:
        raise Trouble(f"{ready} of {count} nodes are ready in the Swarm")


def _swarm(number: int) -> str:
    return lab.docker(lab.node(number), "info", "--format", "{{.Swarm.LocalNodeState}}")
