"""A network namespace that reaches the package servers, for a Docker daemon that builds images and runs them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import packages
from devtools.console import CliError
from lab import settings
from lab.daemons import ip

# The addresses that slirp4netns always uses: its DNS server, and the namespace itself.
DNS = "10.0.2.3"
ADDRESS = "10.0.2.100"


def require() -> None:
    """Install slirp4netns, if it is missing."""
    if not shutil.which("slirp4netns"):
        packages.install(["slirp4netns"])


@contextmanager
def namespace(name: str) -> Iterator[None]:
    """A namespace that exists until the end of the block.

    slirp4netns forwards its connections as a normal program, so the machine's own network needs no change.
    """
    remove(name)
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        with _forwarding(name):
            yield
    finally:
        remove(name)


def remove(name: str) -> None:
    """Remove a namespace, if it exists."""
    if Path("/run/netns", name).exists():
        ip("netns", "delete", name)


@contextmanager
def _forwarding(name: str) -> Iterator[None]:
    """Run slirp4netns. It also ends when this process is killed, because that closes the pipe `alive`."""
    ready, ready_for_child = os.pipe()
    alive_for_child, alive = os.pipe()
    descriptors = [f"--ready-fd={ready_for_child}", f"--exit-fd={alive_for_child}"]
    options = ["--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path", *descriptors]
    log_file = settings.logs() / f"{name}-network.log"
    with log_file.open("ab") as log, os.fdopen(ready, "rb") as started, os.fdopen(alive, "wb"):
        child = subprocess.Popen(
            ["slirp4netns", *options, f"/run/netns/{name}", "tap0"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(ready_for_child, alive_for_child),
            start_new_session=True,
        )
        os.close(ready_for_child)
        os.close(alive_for_child)
        if not started.read(1):
            raise CliError(f"slirp4netns did not start; see {log_file}")
        try:
            yield
        finally:
            child.terminate()
            child.wait()
