"""`./dev sqlx-prepare`: write the query metadata that lets the crates compile without a database.

With a live database, the macros of sqlx write one file per query into $SQLX_OFFLINE_DIR, which must exist.
Cargo does not know about these files, so a source file is touched to make the macros run. The new files replace the old
ones only after the crate has compiled, so after an error the old ones remain.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import build, console, layout, lock, ports, servers, tools
from devtools.console import CliError
from devtools.launch import all_or_nothing

# The folders of migrations in a crate. The second has the schema of the simulated payment gateway.
_MIGRATION_FOLDERS = ("migrations", "migrations-gateway")


def sqlx_prepare(check: bool) -> int:
    """Write the `.sqlx` folder of each crate; with `check`, fail if git then shows a difference."""
    build.require_toolchain()
    tools.install()
    with lock.state(), _database():
        for crate, database in layout.SERVICE_DATABASES.items():
            _prepare(layout.ROOT / crate, f"sqlx_{database}")
    return _difference() if check else 0


@contextmanager
def _database() -> Iterator[None]:
    """The running database, or one that runs only during this command."""
    database = servers.chosen_database()
    other = servers.other_database()
    if other.running():
        raise CliError(f"{other.name} is running as the database; run ./dev down before you choose another one")
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
    """Apply the migrations of a crate to an empty schema, then compile the crate with it."""
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
    """Replace the old metadata. Files that did not change are not written."""
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
    """The migrations of a crate in the order of their numbers, as sqlx applies them."""
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
        raise CliError("neither `mariadb` nor `mysql` was found; `./dev tools` installs a client")
    target = [f"--host={layout.HOST}", f"--port={layout.DATABASE_PORT}", "--user=root"]
    argv = [client, "--no-defaults", *target, f"--password={layout.DATABASE_PASSWORD}", *([schema] if schema else [])]
    answer = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise CliError(f"{source} failed: {answer.stderr.strip()}")


def _difference() -> int:
    """Return 1 if the metadata in the working tree differs from the committed metadata."""
    folders = [f"{crate}/.sqlx" for crate in layout.SERVICE_DATABASES]
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *folders]
    answer = subprocess.run(command, cwd=layout.ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise CliError(f"git failed: {answer.stderr.strip()}")
    if answer.stdout:
        console.warn(f"the committed query metadata is not up to date; run ./dev sqlx-prepare:\n{answer.stdout}")
        return 1
    console.step("sqlx: the committed query metadata is up to date")
    return 0
