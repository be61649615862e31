"""`./dev sqlx-prepare`: regenerate the query metadata that lets the crates compile without a database.

sqlx's macros write one file per query into $SQLX_OFFLINE_DIR (which must exist) when they run against a live
database. Cargo does not know about it, so a source is touched to make the macros run. The files are collected
aside and take the place of the old ones only when the crate compiled: a mistake leaves the old ones.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import build, console, layout, lock, ports, servers, tools
from .console import Trouble
from .launch import all_or_nothing

# Folders of migrations in a crate. The payment simulator's own schema is the second.
_MIGRATION_FOLDERS = ("migrations", "migrations-gateway")


def sqlx_prepare(check: bool) -> int:
    """Write each crate's `.sqlx`; with `check`, fail if git then shows a difference."""
    build.require_toolchain()
    tools.install()
    with lock.state(), _database():
        for crate, database in layout.SERVICE_DATABASES.items():
            _prepare(layout.ROOT / crate, f"sqlx_{database}")
    return _difference() if check else 0


@contextmanager
def _database() -> Iterator[None]:
    """The developer's database: the running one, else started for this command only."""
    database = servers.chosen_database()
    other = servers.other_database()
    if other.running():
        raise Trouble(f"{other.name} is running as the database; run ./dev down before changing to another")
    if database.running():
        yield
        return
    ports.require_free(database.ports)
    with all_or_nothing() as launch:
        launch.start(database)
        launch.wait_until_up([database])
        yield
        launch.undo()


def _prepare(crate: Path, schema: str) -> None:
    """One crate: its migrations in a scratch schema, then a compilation against it."""
    console.step(f"sqlx: {crate.name}: migrations into {schema}")
    _sql(f"DROP DATABASE IF EXISTS {schema}; CREATE DATABASE {schema} CHARACTER SET utf8mb4;")
    for path in _migrations(crate):
        _sql(path.read_text(), schema, str(path.relative_to(layout.ROOT)))
    fresh = layout.STATE / "sqlx" / crate.name
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (crate / "src" / "lib.rs").touch()
    account = f"root:{layout.DATABASE_PASSWORD}@{layout.HOST}:{layout.DATABASE_PORT}"
    environment = {
        **build.cargo_environment(),
        "DATABASE_URL": f"mysql://{account}/{schema}",
        "SQLX_OFFLINE": "false",
        "SQLX_OFFLINE_DIR": str(fresh),
    }
    console.must_run(["cargo", "check", "-p", crate.name, "--all-targets"], env=environment)
    _replace(crate / ".sqlx", sorted(fresh.glob("query-*.json")))
    _sql(f"DROP DATABASE {schema};")


def _replace(folder: Path, fresh: list[Path]) -> None:
    """Put the new metadata in place of the old; files that did not change are not written."""
    folder.mkdir(exist_ok=True)
    names = {path.name for path in fresh}
    for old in folder.glob("query-*.json"):
        if old.name not in names:
            old.unlink()
    for path in fresh:
        place = folder / path.name
        if not place.exists() or place.read_bytes() != path.read_bytes():
            shutil.copyfile(path, place)
    console.step(f"sqlx: {folder.relative_to(layout.ROOT)} has {len(fresh)} queries")


def _migrations(crate: Path) -> Iterable[Path]:
    """A crate's migrations in the order of their numbers, as sqlx applies them."""
    for folder in _MIGRATION_FOLDERS:
        numbered = []
        for path in (crate / folder).glob("*.sql"):
            number = re.match(r"(\d+)_", path.name)
            if number and not path.name.endswith(".down.sql"):
                numbered.append((int(number[1]), path))
        yield from (path for _, path in sorted(numbered))


def _sql(text: str, schema: str = "", source: str = "a statement of ./dev") -> None:
    """Run statements as root."""
    client = tools.find_sql_client()
    if client is None:
        raise Trouble("neither `mariadb` nor `mysql` was found; `./dev tools` installs a client")
    target = [f"--host={layout.HOST}", f"--port={layout.DATABASE_PORT}", "--user=root"]
    argv = [client, "--no-defaults", *target, f"--password={layout.DATABASE_PASSWORD}", *([schema] if schema else [])]
    answer = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise Trouble(f"{source} failed: {answer.stderr.strip()}")


def _difference() -> int:
    """1 if the metadata in the working tree is not what git has."""
    folders = [f"{crate}/.sqlx" for crate in layout.SERVICE_DATABASES]
    asked = ["git", "status", "--porcelain", "--untracked-files=all", "--", *folders]
    answer = subprocess.run(asked, cwd=layout.ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise Trouble(f"git failed: {answer.stderr.strip()}")
    if answer.stdout:
        console.warn(f"the committed query metadata is not up to date; run ./dev sqlx-prepare:\n{answer.stdout}")
        return 1
    console.step("sqlx: the committed query metadata is up to date")
    return 0
