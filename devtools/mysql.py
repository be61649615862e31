"""Oracle's MySQL for the tests: the server of Debian sid, with sid's libraries, in the tools folder.

Debian 12 has no package for it, and sid's package needs a newer C library. So apt downloads the packages into
separate folders, and `dpkg-deb` unpacks them. This changes nothing in the system and needs no root.
"""

import shutil
import subprocess
from pathlib import Path

from devtools import console, layout, lock, tools
from devtools.console import CliError

_PACKAGE = "mysql-server-core"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCE = f"deb [signed-by={_KEYRING}] http://deb.debian.org/debian sid main\n"
# The folders that the server needs from the packages: its own files, and the libraries.
_NEEDED = ("usr/sbin", "usr/lib", "usr/share/mysql")
# The libraries are newer than the system's, so their own loader starts the server.
_WRAPPER = """#!/bin/sh
home="$(dirname "$(readlink -f "$0")")"
loader="$(echo "$home"/usr/lib/*-linux-gnu*/ld-linux*.so.*)"
exec "$loader" --library-path "$(dirname "$loader")" "$home/usr/sbin/mysqld" "$@"
"""


def install() -> str:
    """The path of a MySQL server: $MYSQLD, or the system's own, or else one that is downloaded once."""
    found = tools.find_mysqld()
    if found is not None:
        return found
    home = layout.tools_dir() / "mysql"
    program = home / "mysqld"
    with lock.held(layout.tools_dir() / "mysql.lock"):
        if not tools.version_of(str(program)):
            _download(home)
    if not tools.version_of(str(program)):
        raise CliError(f"{program} does not run")
    return str(program)


def _download(home: Path) -> None:
    if not shutil.which("apt-get") or not Path(_KEYRING).exists():
        raise CliError("this is not a Debian system; set MYSQLD to the `mysqld` of MySQL 8.4 or 9")
    console.step(f"downloading MySQL from Debian sid into {home}")
    work = home.with_suffix(".part")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    environment = {"APT_CONFIG": str(_configuration(work))}
    for command in (["update"], ["install", "--download-only", "-y", "--no-install-recommends", _PACKAGE]):
        console.must_run(["apt-get", "-q", *command], env=environment, output=work / "log")
    _unpack(work)
    (work / "mysqld").write_text(_WRAPPER, encoding="ascii")
    (work / "mysqld").chmod(0o755)
    work.rename(home)


def _configuration(work: Path) -> Path:
    """Separate folders for apt. According to them, no package is installed, so apt downloads the libraries, too."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources").write_text(_SOURCE, encoding="ascii")
    settings = {
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Acquire::Retries": "3",
        # A mirror of sid may serve an index that has expired.
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
    }
    file = work / "apt.conf"
    file.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()), encoding="utf-8")
    return file


def _unpack(work: Path) -> None:
    root = work / "root"
    for package in sorted((work / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    for folder in _NEEDED:
        (work / folder).parent.mkdir(parents=True, exist_ok=True)
        (root / folder).rename(work / folder)
    for leftover in (root, work / "lists", work / "cache"):
        shutil.rmtree(leftover)


def environment() -> dict[str, str]:
    """The variables that make the tests use MySQL."""
    return {"TEST_DATABASE": "mysql", "MYSQLD": install()}
