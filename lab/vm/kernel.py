"""The kernel of the virtual machine: User Mode Linux, built once from Debian's kernel sources. Building takes minutes.

Debian packages it as user-mode-linux, but no release of the package works here. The one in Debian 12 uses ptrace and
takes three times as long to start a process. Later ones lack the iptables tables, or crash when a fork is interrupted.
"""

import os
import shutil
from pathlib import Path

from devtools import console, packages
from devtools.console import CliError
from lab import settings

_PACKAGES = {"flex": "flex", "bison": "bison", "bc": "bc", "make": "build-essential"}
_CONFIG = settings.FOLDER / "vm" / "kernel.config"


def folder() -> Path:
    """The folder with all files of the virtual machine."""
    return settings.cache() / "vm"


def program() -> Path:
    """The path of the kernel, which is a program. Builds it if the configuration changed."""
    built, stamp = folder() / "linux", folder() / "linux.config"
    if built.exists() and stamp.exists() and options(stamp.read_text()) == options(_CONFIG.read_text()):
        return built
    packages.install({package for name, package in _PACKAGES.items() if not shutil.which(name)})
    console.step("building the kernel of the virtual machine: 10 to 20 minutes")
    sources = _sources()
    _make(sources, "defconfig")
    with (sources / ".config").open("a", encoding="utf-8") as config:
        config.write(_CONFIG.read_text())
    _make(sources, "olddefconfig")
    _require_all_options(sources / ".config")
    _make(sources, "linux", f"-j{os.cpu_count()}")
    shutil.copy(sources / "linux", built)
    shutil.rmtree(folder() / "linux-source")
    stamp.write_text(_CONFIG.read_text())
    return built


def options(config: str) -> list[str]:
    """The lines of a configuration that set an option, or that turn one off."""
    return [line for line in config.splitlines() if line.startswith(("CONFIG_", "# CONFIG_"))]


def missing_options(wanted: str, config: str) -> list[str]:
    """The options of the configuration `wanted` that are missing in `config`."""
    present = set(config.splitlines())
    return [line for line in wanted.splitlines() if line.startswith("CONFIG_") and line not in present]


def _require_all_options(config: Path) -> None:
    """`make` silently drops an option that a newer kernel has renamed."""
    if lost := missing_options(_CONFIG.read_text(), config.read_text()):
        raise CliError(f"the kernel sources do not accept these lines of {_CONFIG.name}: {', '.join(lost)}")


def _sources() -> Path:
    """The unpacked sources of Debian's kernel package."""
    package = folder() / "linux-source"
    shutil.rmtree(package, ignore_errors=True)
    # A mirror of sid may serve an index that has expired.
    options = ["--variant=extract", "--include=linux-source", '--aptopt=Acquire::Check-Valid-Until "false"']
    console.must_run(["nice", "mmdebstrap", *options, "sid", str(package)])
    archives = sorted((package / "usr" / "src").glob("linux-source-*.tar.xz"))
    if not archives:
        raise CliError("Debian's package linux-source contains no sources")
    console.must_run(["nice", "tar", "--extract", f"--directory={package}", f"--file={archives[-1]}"])
    return package / archives[-1].name.removesuffix(".tar.xz")


def _make(sources: Path, *words: str) -> None:
    """Run `make` for User Mode Linux; its output goes to a log."""
    command = ["nice", "make", "ARCH=um", f"--directory={sources}", *words]
    console.must_run(command, output=settings.logs() / "kernel.log")
