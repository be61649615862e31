"""The nodes of the Swarm: each is a network namespace with a real dockerd, and a bridge connects them."""

import shutil
from pathlib import Path

from devtools import console
from devtools.console import CliError
from lab import daemons, docker, settings
from lab.daemons import ip

_HIGHEST = 9
# A dockerd with the machine's cgroups, but with its own /sys, /run/docker and host name.
_START = """
hostname "$NODE"
mount --make-rprivate /
mkdir -p /run/osaga-cgroup /run/docker
mount --rbind /sys/fs/cgroup /run/osaga-cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/osaga-cgroup /sys/fs/cgroup
mount -t tmpfs tmpfs /run/docker
python3 "$NXDOMAIN" "$ADDRESS" ${UPSTREAM:-} &
exec dockerd "$@"
"""


def dockerd(namespace: str) -> list[str]:
    """The command that starts a dockerd and its DNS server in a network namespace; the arguments of dockerd follow."""
    return [
        "nsenter",
        f"--net=/run/netns/{namespace}",
        "unshare",
        "--mount",
        "--uts",
        "bash",
        "-euc",
        _START,
        "dockerd",
    ]


def variables(host: str, address: str, upstream: str = "") -> dict[str, str]:
    """The environment of the command from `dockerd`: host name, DNS server's address, and the server it forwards to."""
    script = str(settings.FOLDER / "nxdomain.py")
    return {"NODE": host, "ADDRESS": address, "NXDOMAIN": script, "UPSTREAM": upstream}


def running() -> list[int]:
    """The numbers of the running nodes."""
    return [number for number in range(1, _HIGHEST + 1) if daemons.pid(settings.node(number))]


def _has_namespace(name: str) -> bool:
    return Path("/run/netns", name).exists()


def _create_bridge() -> None:
    if _has_namespace(settings.BRIDGE):
        return
    ip("netns", "add", settings.BRIDGE)
    ip("-n", settings.BRIDGE, "link", "add", "br0", "type", "bridge")
    ip("-n", settings.BRIDGE, "link", "set", "br0", "up")


def _create_namespace(number: int) -> None:
    """Create a namespace with loopback, connected to the bridge."""
    name, port = settings.node(number), f"node{number}"
    if _has_namespace(name):
        return
    ip("netns", "add", name)
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", settings.BRIDGE, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("-n", settings.BRIDGE, "link", "set", port, "master", "br0", "up")
    ip("-n", name, "addr", "add", f"{settings.address(number)}/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")


def start(number: int) -> None:
    """Start a node, unless it is already running."""
    name = settings.node(number)
    if daemons.pid(name) and daemons.answers(name):
        return
    daemons.stop(name)
    _create_bridge()
    _create_namespace(number)
    shutil.rmtree(settings.cache() / name / "swarm", ignore_errors=True)
    address = settings.address(number)
    network = [f"--dns={address}", "--experimental", f"--metrics-addr={address}:9323"]
    options = [*daemons.options(name, "order-saga-lab", 8192), *network]
    daemons.spawn(name, [*dockerd(name), *options], variables(f"node{number}", address))
    console.step(f"node{number}: a Docker daemon at {address}")


def stop_all(wipe: bool) -> None:
    """Stop every node and remove the network; `wipe` also deletes the images of the nodes."""
    for number in range(_HIGHEST, 0, -1):
        name = settings.node(number)
        daemons.stop(name)
        if _has_namespace(name):
            ip("netns", "delete", name)
        if wipe:
            daemons.remove_files(name)
    if _has_namespace(settings.BRIDGE):
        ip("netns", "delete", settings.BRIDGE)


def form_swarm(count: int) -> None:
    """Start this many nodes and join them to one Swarm. The first node manages it, the others are workers."""
    start(1)
    if _swarm_state(1) == "inactive":
        docker.manager("swarm", "init", "--advertise-addr", settings.address(1))
    for number in range(2, count + 1):
        start(number)
        if _swarm_state(number) == "inactive":
            token = docker.manager("swarm", "join-token", "-q", "worker")
            docker.run(settings.node(number), "swarm", "join", "--token", token, f"{settings.address(1)}:2377")
    if count > 1:
        docker.manager("node", "update", "--label-add", "type=db", "node1")
    ready = docker.manager("node", "ls", "--format", "{{.Status}}").split().count("Ready")
    if ready != count:
        raise CliError(f"{ready} of {count} nodes are ready in the Swarm")


def _swarm_state(number: int) -> str:
    return docker.run(settings.node(number), "info", "--format", "{{.Swarm.LocalNodeState}}")
