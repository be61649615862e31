"""The sub-commands and their help."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from . import build, console, down, interrupts, layout, lint, servers, sqlx_prepare, status, testing, up
from .console import Trouble
from .interrupts import Interrupted
from .swarm import commands as swarm_commands

HELP = """\
usage: ./dev COMMAND

Run the system
  up [--release]       install what is missing, build, start everything, place one order, print the URLs
  down [--wipe]        stop everything and keep the data; --wipe removes the data as well
  status               what runs, on which port, and how it is; exit code 0 only if all is UP
  logs [PIECE] [-f]    the end of the logs, of all or of one piece; -f goes on showing what comes

The system on Docker Swarm
  images [ARGS]        build our four images (deploy/build.sh; --push pushes them)
  swarm COMMAND        a Swarm of real Docker daemons on this machine: up, deploy, status, down (./dev swarm help)

Check the code
  test                 everything that CI runs: tools, lint, all tests
  test ARGS            the tests that `cargo test ARGS` names, for instance: ./dev test -p service-order
  test swarm [--nodes 3]
                       the Swarm walk-through in the lab, step by step (needs root)
  test rules [NAME]    takes each rule of testing/rules out of the code, and demands that its test fails
  lint [--advisories]  format, clippy, docs, licenses and sources of what we depend on;
                       --advisories looks for known vulnerabilities too (needs the network)
  tools                install what the tests need, and nothing else
  sqlx-prepare [--check]
                       write the metadata of the SQL queries anew; --check fails if git sees a difference
  check ARGS           the consistency checker over a running system (cargo run -p checker); exit code 1: something is
                       wrong; 3: nothing is, and some orders have not come to their end
  soak ARGS            load and faults over a long time (cargo run -p soak)
  help                 this text

`up` may be repeated at any time. It starts only what does not run. It calls cargo only if a service is not
running or a source was changed, and then restarts just the services whose binary is new. `up` and
`up --release` run different binaries: changing from one to the other restarts the services.

Environment
  DATABASE=mysql       use MySQL in place of MariaDB: the `mysqld` that MYSQLD names, or the one on PATH
  CARGO_TARGET_DIR     cargo's build directory (default: $XDG_CACHE_HOME/order-saga/target)
  A setting of a service that you export before `up` is used in place of ours, except its port. It reaches
  only what that `up` starts: run ./dev down first to change a setting of what runs.

State is in .dev/ (data, logs, records of what runs); tools in $XDG_CACHE_HOME/order-saga/tools.
"""


def _flags(command: str, words: Sequence[str], *flags: str) -> argparse.Namespace:
    """Parse a sub-command that has nothing but flags."""
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
    parser.add_argument("piece", nargs="*")
    parser.add_argument("-f", "--follow", action="store_true")
    chosen = parser.parse_args(words)
    return status.logs(chosen.piece, chosen.follow)


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


def _cargo_run(package: str) -> Callable[[Sequence[str]], int]:
    """A sub-command that is a program of the workspace; it takes this process' place."""

    def run(words: Sequence[str]) -> int:
        build.require_toolchain()
        manifest = str(layout.ROOT / "Cargo.toml")
        argv = ["cargo", "run", "--manifest-path", manifest, "-p", package, "--", *words]
        os.execvpe("cargo", argv, {**os.environ, **build.cargo_environment()})

    return run


def _check(words: Sequence[str]) -> int:
    databases = (servers.MariaDb(), servers.MySql())
    if not words and not any(database.running() for database in databases):
        raise Trouble("there are no books to check: nothing is running; start it with ./dev up")
    return _cargo_run("checker")(words)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "test": testing.test,
    "lint": _lint,
    "tools": _tools,
    "sqlx-prepare": _sqlx_prepare,
    "images": _images,
    "swarm": swarm_commands.swarm,
    "check": _check,
    "soak": _cargo_run("soak"),
    "help": _help,
    "--help": _help,
    "-h": _help,
}


def main(words: Sequence[str]) -> int:
    """Run one sub-command; 2 if it does not exist, 1 if it failed."""
    if not words or words[0] not in COMMANDS:
        if words:
            console.warn(f"there is no command {words[0]!r}")
        print(HELP, file=sys.stderr, end="")
        return 2
    wants_help = any(word in ("-h", "--help") for word in words[1:])
    if wants_help and words[0] not in ("test", "check", "soak", "images", "swarm"):
        return _help(words)
    interrupts.install()
    try:
        return COMMANDS[words[0]](words[1:])
    except Trouble as trouble:
        console.warn(str(trouble))
        return 1
    except PermissionError as refused:
        console.warn(f"{refused.strerror}: {refused.filename} (was ./dev run as another user before?)")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Interrupted as interrupted:
        console.warn(str(interrupted))
        return 128 + interrupted.signum
