"""What a machine needs for the lab, and how to install it."""

import os
import re
import shutil

from devtools import packages, tools
from devtools.console import CliError
from lab import settings
from lab.execute import capture

_GO = (1, 26)
_PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "curl": "curl",
}


def require() -> None:
    """Prepare the machine for the lab: check it, install missing programs, create the folders."""
    if reason := missing():
        raise CliError(f"the lab needs network namespaces and Docker daemons, but {reason}")
    packages.install({package for program, package in _PACKAGES.items() if not shutil.which(program)})
    for folder in (settings.RUN, settings.cache(), settings.logs()):
        folder.mkdir(parents=True, exist_ok=True)


def missing() -> str:
    """The reason why this machine cannot run the lab; empty if it can."""
    if os.geteuid() != 0:
        return "this user is not root"
    if not shutil.which("apt-get"):
        return "this is not a Debian system"
    if capture(["unshare", "--net", "--mount", "--uts", "true"]).returncode:
        return "this machine does not allow network namespaces"
    if "--compose-file" not in capture(["docker", "stack", "config", "--help"]).stdout:
        return "the docker command is missing or older than 23, which cannot deploy jobs"
    if go_version(capture([tools.find_go() or "go", "version"], {"GOTOOLCHAIN": "local"}).stdout) < _GO:
        return f"Go {'.'.join(map(str, _GO))} or newer is missing; Temporal's programs need it (https://go.dev/dl)"
    return ""


def go_version(text: str) -> tuple[int, ...]:
    """The version in the output of `go version`, for instance (1, 26); empty if there is none."""
    found = re.search(r"go(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()
