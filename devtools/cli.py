"""The sub-commands and their help."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from devtools import build, console, down, interrupts, layout, lint, servers, sqlx_prepare, status, testing, up
from devtools.console import CliError
from devtools.interrupts import Interrupted
from lab import commands as lab_commands

HELP = """\
usage: ./dev COMMAND

Run the system
  up [--release]       install what is missing, build, start everything, place one order, print the URLs
  down [--wipe]        stop everything and keep the data; --wipe also removes the data
  status               print every process with its port and state; the exit code is 0 only if all are UP
  logs [PROCESS]… [-f] print the end of all logs, or of these processes; -f also prints new lines

Run the system on Docker Swarm
  images [ARGS]        build the images of the four services (deploy/build.sh); --push also pushes them
  swarm COMMAND        control a Swarm of real Docker daemons on this machine: up, deploy, status, down
                       (./dev swarm help)

Check the code
  test                 run everything that CI runs: tools, lint, all tests
  test ARGS            run the tests that `cargo test ARGS` selects, for instance: ./dev test -p service-order
  test mysql [ARGS]    run the migration tests, or those that ARGS select, on a MySQL that is downloaded
  test python [ARGS]   run the unit tests of devtools/ and lab/; ARGS go to pytest
  test swarm [--nodes 3]
                       run all checks of the Swarm lab (needs root)
  test rules [NAME]    remove each rule of testing/rules from the code, and require that its test fails
  test compose         start the system with Docker Compose in the lab (needs root)
  test long            run the long tests that CI does not run: rules, ten minutes of soak, compose
  lint [--advisories]  check format, style, types, documentation, dependencies, shell scripts and commit subjects;
                       --advisories also looks for known vulnerabilities (needs the network)
  tools                install only what the tests need
  sqlx-prepare [--check]
                       write the metadata of the SQL queries; --check fails if git then shows a difference
  check ARGS           compare all ledgers of a running system (cargo run -p checker).
                       Exit code 1: something is wrong. 3: nothing is wrong, but some orders have not ended.
  soak ARGS            test with random orders and faults for a long time (cargo run -p soak)
  help                 print this text

You can repeat `up` at any time. It starts only the processes that do not run. It calls cargo only if a service
does not run or a source changed, and then restarts only the services with a new program. `up` and
`up --release` run different programs: a change from one to the other restarts the services.

Environment
  DATABASE=mysql       use MySQL instead of MariaDB: the `mysqld` that MYSQLD names, or the one on PATH
  CARGO_TARGET_DIR     the build directory of cargo (default: $XDG_CACHE_HOME/order-saga/target)
  `up` passes the exported settings of a service to it, except the port. They reach only the processes that
  this `up` starts. To change a setting of a running process, run ./dev down first.

State is in .dev/ (data, logs, process records); tools are in $XDG_CACHE_HOME/order-saga/tools.
"""

_INTERRUPTED = 128
_USAGE = 2
# These commands handle `--help` themselves, or pass it on to another program.
_WITH_HELP = ("test", "check", "soak", "images", "swarm")

Command = Callable[[Sequence[str]], int]


def _flags(command: str, words: Sequence[str], *flags: str) -> argparse.Namespace:
    """Parse a sub-command that takes only flags."""
    parser = argparse.ArgumentParser(prog=f"./dev {command}", add_help=False, allow_abbrev=False)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args(words)


def _up(words: Sequence[str]) -> int:
    return up.up(_flags("up", words, "--release").release)


def _down(words: Sequence[str]) -> int:
    return down.down(_flags("down", words, "--wipe").wipe)


def _status(words: Sequence[str]) -> int:
    _flags("status", words)
    return status.status()


def _logs(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev logs", add_help=False, allow_abbrev=False)
    parser.add_argument("process", nargs="*")
    parser.add_argument("-f", "--follow", action="store_true")
    chosen = parser.parse_args(words)
    return status.logs(chosen.process, chosen.follow)


def _lint(words: Sequence[str]) -> int:
    return lint.lint(_flags("lint", words, "--advisories").advisories)


def _tools(words: Sequence[str]) -> int:
    _flags("tools", words)
    return testing.install_tools()


def _sqlx_prepare(words: Sequence[str]) -> int:
    return sqlx_prepare.sqlx_prepare(_flags("sqlx-prepare", words, "--check").check)


def _images(words: Sequence[str]) -> int:
    return console.run([str(layout.ROOT / "deploy" / "build.sh"), *words], foreground=True)


def _help(_words: Sequence[str]) -> int:
    console.say(HELP.rstrip())
    return 0


def _cargo_run(package: str) -> Command:
    """A sub-command that runs a program of the workspace in place of this process."""

    def run(words: Sequence[str]) -> int:
        build.require_toolchain()
        manifest = str(layout.ROOT / "Cargo.toml")
        argv = ["cargo", "run", "--manifest-path", manifest, "-p", package, "--", *words]
        os.execvpe("cargo", argv, {**os.environ, **build.cargo_environment()})

    return run


def _check(words: Sequence[str]) -> int:
    databases = (servers.MariaDb(), servers.MySql())
    if not words and not any(database.running() for database in databases):
        raise CliError("there are no ledgers to compare, because nothing runs; start the system with ./dev up")
    return _cargo_run("checker")(words)


COMMANDS: dict[str, Command] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "test": testing.test,
    "lint": _lint,
    "tools": _tools,
    "sqlx-prepare": _sqlx_prepare,
    "images": _images,
    "swarm": lab_commands.swarm,
    "check": _check,
    "soak": _cargo_run("soak"),
    "help": _help,
    "--help": _help,
    "-h": _help,
}


def main(words: Sequence[str]) -> int:
    """Run one sub-command; return 2 if it does not exist, 1 if it failed."""
    if not words or words[0] not in COMMANDS:
        print(HELP, file=sys.stderr, end="")
        if words:
            # After the help, so that a person sees it.
            console.warn(f"there is no command {words[0]!r}")
        return _USAGE
    wants_help = any(word in ("-h", "--help") for word in words[1:])
    if wants_help and words[0] not in _WITH_HELP:
        return _help(words)
    interrupts.install()
    return _run(COMMANDS[words[0]], words[1:])


def _run(command: Command, words: Sequence[str]) -> int:
    """Run a command; print an expected error as one line, without a traceback."""
    code = 1
    try:
        code = command(words)
    except CliError as error:
        console.warn(str(error))
    except PermissionError as refused:
        console.warn(f"{refused.strerror}: {refused.filename} (did another user run ./dev before?)")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Interrupted as interrupted:
        console.warn(str(interrupted))
        code = _INTERRUPTED + interrupted.signum
    return code
