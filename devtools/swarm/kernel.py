"""The virtual machine's kernel: User Mode Linux, made of the sources that Debian builds its kernels of. Minutes, once.

Debian has it as a package, too (user-mode-linux). That of Debian 12 takes three times as long to start a process, since it
watches its processes by ptrace; those of later releases have no tables for iptables, or fall when a fork is interrupted.
"""

import os
import shutil
from pathlib import Path

from .. import console, layout, packages
from ..console import Trouble
from . import lab

_PROGRAMS = {"flex": "flex", "bison": "bison", "bc": "bc", "make": "build-essential"}
_CONFIG = layout.ROOT / "deploy" / "lab" / "vm" / "kernel.config"


def program() -> Path:
    """The kernel, a program; built if it is not in the cache, or was built with another configuration."""
    built, stamp = folder() / "linux", folder() / "linux.config"
    if built.exists() and stamp.exists() and stamp.read_text() == _CONFIG.read_text():
        return built
    packages.install({package for name, package in _PROGRAMS.items() if not shutil.which(name)})
    console.step("building the virtual machine's kernel: 10 to 20 minutes")
    sources = _sources()
    _make(sources, "defconfig")
    with open(sources / ".config", "a", encoding="utf-8") as config:
        config.write(_CONFIG.read_text())
    _make(sources, "olddefconfig")
    _must_have_all(sources / ".config")
    _make(sources, "linux", f"-j{os.cpu_count()}")
    shutil.copy(sources / "linux", built)
    shutil.rmtree(folder() / "linux-source")
    stamp.write_text(_CONFIG.read_text())
    return built


def _must_have_all(config: Path) -> None:
    """`make` leaves out, without a word, what a newer kernel calls by another name."""
    has = set(config.read_text().splitlines())
    lost = [line for line in _CONFIG.read_text().splitlines() if line.startswith("CONFIG_") and line not in has]
    if lost:
        raise Trouble(f"the kernel's sources do not take these lines of {_CONFIG.name}: {', '.join(lost)}")


def folder() -> Path:
    """Where the virtual machine's parts are kept."""
    return lab.cache() / "vm"


def _sources() -> Path:
    """Debian's package, unpacked."""
    package = folder() / "linux-source"
    shutil.rmtree(package, ignore_errors=True)
    # sid's index may be older than it says it may be.
    options = ["--variant=extract", "--include=linux-source", '--aptopt=Acquire::Check-Valid-Until "false"']
    console.must_run(["nice", "mmdebstrap", *options, "sid", str(package)])
    archives = sorted((package / "usr" / "src").glob("linux-source-*.tar.xz"))
    if not archives:
        raise Trouble("Debian's package linux-source has no sources in it")
    console.must_run(["nice", "tar", "--extract", f"--directory={package}", f"--file={archives[-1]}"])
    return package / archives[-1].name.removesuffix(".tar.xz")


def _make(sources: Path, *words: str) -> None:
    """`make` for User Mode Linux; what it says goes to a log."""
    command = ["nice", "make", "ARCH=um", f"--directory={sources}", *words]
    console.must_run(command, output=lab.logs() / "kernel.log")
