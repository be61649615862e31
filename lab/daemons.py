"""Docker daemons of the lab: start one, find it, stop it."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from devtools import console
from devtools.console import CliError
from lab import docker, settings
from lab.execute import capture

# Each helper daemon has its own bridge, with addresses reserved for documentation (RFC 5737). A daemon without a bridge
# removes `docker0`, and with it the default network of the machine's own Docker.
_BRIDGES = {"builder": "192.0.2.1/28", "store": "192.0.2.17/28"}


def ip(*words: str) -> None:
    """Run the ip command."""
    done = capture(["ip", *words])
    if done.returncode:
        raise CliError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")


def _pid_file(name: str) -> Path:
    return settings.RUN / f"{name}.pid"


def pid(name: str) -> int | None:
    """The process id of a daemon, if it is running."""
    try:
        number = int(_pid_file(name).read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if b"dockerd" in command else None


def answers(name: str) -> bool:
    """Whether a daemon answers the docker command."""
    return docker.attempt(name, "version").returncode == 0


def spawn(name: str, words: list[str], environment: dict[str, str]) -> None:
    """Start a daemon that keeps running after this command, and wait until it answers."""
    log_file = settings.logs() / f"{name}.log"
    with log_file.open("ab") as log:
        child = subprocess.Popen(
            words,
            env={**os.environ, "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + 90
    while not answers(name):
        if child.poll() is not None or time.monotonic() > deadline:
            end = "\n".join(console.last_lines(log_file))
            raise CliError(f"dockerd of {name} did not start:\n{end}")
        time.sleep(0.3)


def _set_cpu_shares(group: str, shares: int) -> None:
    """Give all containers of a daemon together this many CPU shares (cgroups 1 and 2). A normal process has 1024."""
    cgroups = Path("/sys/fs/cgroup")
    version_1 = (cgroups / "cpu" / group, "cpu.shares", shares)
    version_2 = (cgroups / group, "cpu.weight", max(1, shares // 10))
    folder, file, value = version_1 if version_1[0].parent.is_dir() else version_2
    folder.mkdir(exist_ok=True)
    if (folder / file).exists():  # with cgroups 2, the CPU controller may be off; all groups then have equal shares
        (folder / file).write_text(str(value))


def options(name: str, group: str, shares: int) -> list[str]:
    """The arguments of a dockerd whose files and containers are separate from all others."""
    _set_cpu_shares(group, shares)
    return [
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--cgroup-parent=/{group}",
        f"--data-root={settings.cache() / name}",
        f"--exec-root={settings.RUN / name}",
        f"--pidfile={_pid_file(name)}",
        f"--host=unix://{docker.socket(name)}",
    ]


def start_helper(name: str) -> None:
    """Start a daemon in the machine's own network, used only to build and load images."""
    if pid(name):
        return
    bridge = f"osaga-{name}"
    if not Path("/sys/class/net", bridge).exists():
        ip("link", "add", bridge, "type", "bridge")
        ip("address", "add", _BRIDGES[name], "dev", bridge)
    separate = [f"--bridge={bridge}", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]
    spawn(name, ["nice", "dockerd", *options(name, f"order-saga-{name}", 128), *separate], {})


def start_builder() -> None:
    """Start the daemon that builds images: its builds reach the package servers."""
    start_helper("builder")


def stop_helper(name: str) -> None:
    """Stop a helper daemon and remove its bridge."""
    stop(name)
    if Path("/sys/class/net", f"osaga-{name}").exists():
        ip("link", "delete", f"osaga-{name}")


def stop(name: str) -> None:
    """Stop a daemon and its containers, if the daemon is running."""
    number = pid(name)
    if number is None:
        return
    os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while pid(name) and time.monotonic() < deadline:
        time.sleep(0.2)
    if pid(name):
        os.kill(number, signal.SIGKILL)
        console.warn(f"dockerd of {name} did not stop and was killed")


def remove_files(name: str) -> None:
    """Delete the images and containers of a daemon."""
    shutil.rmtree(settings.cache() / name, ignore_errors=True)
