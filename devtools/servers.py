"""The servers that the services use: the database, Redis and Temporal."""

import getpass
import os
import shutil
import subprocess
from abc import abstractmethod
from pathlib import Path

from devtools import console, layout, tools
from devtools.process import Health, Process, converse, require_listener

# MySQL does not start without its folder for file exchange, which Debian's package with the programs does not create.
_NO_FILES = "--secure-file-priv=NULL"


class Database(Process):
    """The common part of MariaDB and MySQL."""

    ports = (layout.DATABASE_PORT,)
    stop_grace = 90.0
    stop_rank = 3

    @property
    def home(self) -> Path:
        """The data directory. It exists only when it is complete."""
        return layout.STATE / self.name

    @abstractmethod
    def initialise(self, folder: Path, log: Path) -> None:
        """Fill a new data directory."""

    def prepare(self) -> None:
        """Create the data directory under a temporary name and then rename it, so that it is always complete."""
        layout.STATE.mkdir(exist_ok=True)
        layout.LOGS.mkdir(exist_ok=True)
        self._write_accounts()
        for leftover in layout.STATE.glob(f"{self.name}.part*"):
            shutil.rmtree(leftover)
        if self.home.exists():
            return
        console.step(f"{self.name}: creating the data directory")
        draft = layout.STATE / f"{self.name}.part"
        self.initialise(draft, layout.log_file(self.name))
        draft.rename(self.home)

    @property
    def _accounts(self) -> Path:
        return layout.STATE / "accounts.sql"

    def _write_accounts(self) -> None:
        """Write the statements for root's password. The server runs them before it accepts a connection."""
        lines = []
        for host in ("localhost", "127.0.0.1"):
            account = f"'root'@'{host}'"
            lines += [
                f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{layout.DATABASE_PASSWORD}';",
                f"ALTER USER {account} IDENTIFIED BY '{layout.DATABASE_PASSWORD}';",
                f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;",
            ]
        self._accounts.write_text("\n".join(lines) + "\n")

    def _options(self) -> list[str]:
        """Arguments of both servers. The socket path is relative, because a socket path must be short."""
        return [
            "--no-defaults",
            *_run_as(),
            f"--datadir={self.home}",
            f"--bind-address={layout.HOST}",
            f"--port={layout.DATABASE_PORT}",
            "--socket=server.sock",
            f"--pid-file={self.home / 'server.pid'}",
            f"--init-file={self._accounts}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
        ]

    def health(self) -> Health:
        """A server that works sends a greeting with protocol version 10."""
        try:
            greeting = converse(layout.DATABASE_PORT, b"")
        except OSError as refused:
            return Health(False, str(refused))
        return read_greeting(greeting)


def read_greeting(greeting: bytes) -> Health:
    """The health that the first packet of a server shows: a greeting, or an error code followed by its message."""
    if greeting[4:5] == b"\x0a":
        return Health(True)
    return Health(False, greeting[7:].decode("utf-8", "replace") or "no greeting")


class MariaDb(Database):
    """MariaDB from Debian."""

    name = "mariadb"

    def initialise(self, folder: Path, log: Path) -> None:
        """Create the system tables."""
        program = tools.require("mariadb-install-db")
        # --force is needed on a machine whose own name cannot be resolved.
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--force"]
        console.must_run([program, "--no-defaults", *_run_as(), *options, f"--datadir={folder}"], output=log)

    def command(self) -> list[str]:
        """The server in the foreground."""
        return [tools.require("mariadbd"), *self._options()]


class MySql(Database):
    """MySQL from Oracle, instead of MariaDB."""

    name = "mysql"

    def initialise(self, folder: Path, log: Path) -> None:
        """Create the system tables."""
        program = tools.require_mysqld()
        arguments = ["--no-defaults", *_run_as(), "--initialize-insecure", f"--datadir={folder}", _NO_FILES]
        console.must_run([program, *arguments], output=log)

    def command(self) -> list[str]:
        """The server in the foreground, without the additional port of the X protocol."""
        return [tools.require_mysqld(), *self._options(), "--mysqlx=OFF", _NO_FILES]


def _run_as() -> list[str]:
    """The option that names the user who runs the server. Without it, both servers refuse to run as root."""
    return ["--user=root"] if os.geteuid() == 0 else [f"--user={getpass.getuser()}"]


class Redis(Process):
    """Redis with an append-only file."""

    name = "redis"
    ports = (layout.REDIS_PORT,)
    stop_grace = 20.0
    stop_rank = 2

    @property
    def _home(self) -> Path:
        return layout.STATE / "redis"

    def prepare(self) -> None:
        """Create the data directory."""
        self._home.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The server in the foreground."""
        arguments = ["--bind", layout.HOST, "--port", str(layout.REDIS_PORT), "--dir", str(self._home)]
        return [tools.require("redis-server"), *arguments, "--appendonly", "yes", "--save", "", "--daemonize", "no"]

    def health(self) -> Health:
        """UP if the server answers PONG. Otherwise the detail is its answer, such as LOADING."""
        try:
            answer = converse(layout.REDIS_PORT, b"PING\r\n")
        except OSError as refused:
            return Health(False, str(refused))
        return Health(answer.startswith(b"+PONG"), answer.decode("utf-8", "replace").strip())


class Temporal(Process):
    """Temporal's development server, with its state in a file."""

    name = "temporal"
    ports = (layout.TEMPORAL_PORT, layout.TEMPORAL_UI_PORT)
    stop_grace = 20.0
    stop_rank = 1

    @property
    def _home(self) -> Path:
        return layout.STATE / "temporal"

    def prepare(self) -> None:
        """Create the data directory."""
        self._home.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The server in the foreground.

        With the default polling limit, many short workflows wait for each other. Without a write-ahead log, SQLite
        writes each page twice, and an order takes 50 % longer.
        """
        return [
            *[tools.require("temporal"), "server", "start-dev", "--ip", layout.HOST],
            *["--port", str(layout.TEMPORAL_PORT), "--ui-port", str(layout.TEMPORAL_UI_PORT)],
            *["--db-filename", str(self._home / "temporal.db"), "--sqlite-pragma", "journal_mode=WAL"],
            *["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"],
            *["--log-level", "warn"],
        ]

    def health(self) -> Health:
        """The result of Temporal's own health command. DOWN while the UI does not listen."""
        try:
            require_listener(layout.TEMPORAL_UI_PORT)
            address = f"{layout.HOST}:{layout.TEMPORAL_PORT}"
            command = [tools.require("temporal"), "operator", "cluster", "health", "--address", address]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        except (OSError, console.CliError, subprocess.TimeoutExpired) as failure:
            return Health(False, str(failure))
        lines = (answer.stdout + answer.stderr).strip().splitlines()
        return Health(answer.returncode == 0 and "SERVING" in answer.stdout, lines[0] if lines else "")


def chosen_database() -> Database:
    """The database that the caller chose."""
    return MySql() if tools.wants_mysql() else MariaDb()


def other_database() -> Database:
    """The database that must not run at the same time."""
    return MariaDb() if tools.wants_mysql() else MySql()
