"""`./dev test`: everything that CI runs, one part of it, or the long tests that CI leaves out."""

import os
import subprocess
from collections.abc import Callable, Sequence

from devtools import build, console, layout, lint_tools, mysql, phases, rules, tools
from devtools.console import CliError
from devtools.lint import lint
from devtools.phases import Phase
from lab import commands as lab_commands
from lab import compose
from lab import requirements as lab_requirements

_SOAK_MINUTES = "10"


def test(arguments: Sequence[str]) -> int:
    """Run the part that the first word names. Without words, run everything; any other words go to `cargo test`."""
    parts: dict[str, Callable[[Sequence[str]], int]] = {
        "swarm": lab_commands.test,
        "compose": compose.test,
        "rules": rules.test,
        "python": _python_tests,
        "mysql": _mysql_tests,
    }
    words = list(arguments)
    if words in ([], ["all"]):
        return _everything()
    if words == ["long"]:
        return _long_parts()
    if words[0] in parts:
        return parts[words[0]](words[1:])
    if words[0] == "all":
        words = words[1:]
    if not words[0].startswith("-"):
        raise CliError(
            f"there is no test {words[0]!r}; use {', '.join(parts)}, long, or arguments of cargo test such as -p CRATE"
        )
    tools.install(for_tests=True)
    build.require_toolchain()
    return _cargo_test(words) or _require_a_test(words)


def _require_a_test(words: list[str]) -> int:
    """Fail if the words select no test, because a misspelt name would look like a success."""
    command = ["cargo", "test", "-q", *list_words(words)]
    environment = {**os.environ, **build.cargo_environment()}
    listed = subprocess.run(command, cwd=layout.ROOT, env=environment, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and ": test" not in listed.stdout:
        raise CliError(f"no test ran: `{' '.join(words)}` selects none")
    return 0


def list_words(words: list[str]) -> list[str]:
    """The arguments that list the selected tests. Arguments after `--` are for the test program."""
    end = words.index("--") + 1 if "--" in words else len(words)
    separator = [] if "--" in words else ["--"]
    return [*words[:end], *separator, "--list", "--format", "terse", *words[end:]]


def _cargo_test(words: list[str], variables: dict[str, str] | None = None) -> int:
    """Build the programs as `./dev up` does, because the end-to-end tests run them, then run the tests."""
    environment = {**build.cargo_environment(), **(variables or {})}
    built = console.run(["cargo", "build", "--workspace", "--bins"], env=environment)
    if built:
        return built
    environment["HARNESS_BIN_DIR"] = str(layout.target_dir() / build.profile_folder(release=False))
    return console.run(["cargo", "test", *words], env=environment)


def _mysql_tests(words: Sequence[str]) -> int:
    """Tests on MySQL: those that the words select, by default those whose behaviour depends most on the database."""
    tools.install(for_tests=True)
    build.require_toolchain()
    return _cargo_test(list(words) or ["-p", "migrations"], mysql.environment())


def _python_tests(words: Sequence[str]) -> int:
    """The unit tests of devtools and lab."""
    lint_tools.install_python()
    environment = {"PYTHONPYCACHEPREFIX": str(layout.STATE / "pycache")}
    return console.run([str(lint_tools.python_tool("pytest")), *words], env=environment)


def _everything() -> int:
    """Everything that CI runs. On a machine that cannot run the lab, the summary says why."""
    build.require_toolchain()
    parts: dict[str, Phase] = {
        "tools": install_tools,
        "lint": lint,
        "python": lambda: _python_tests([]),
        "tests": lambda: _cargo_test(["--workspace", "--no-fail-fast"]),
        "mysql": lambda: _mysql_tests([]),
    }
    if reason := lab_requirements.missing():
        return phases.run("./dev test", parts, [f"swarm left out ({reason})"], bool(os.environ.get("SWARM_REQUIRED")))
    return phases.run("./dev test", {**parts, "swarm": lambda: lab_commands.test([])})


def _long_parts() -> int:
    """The tests that take too long for CI."""
    build.require_toolchain()
    parts: dict[str, Phase] = {"tools": install_tools, "rules": lambda: rules.test([]), "soak": _soak}
    if reason := lab_requirements.missing():
        return phases.run("./dev test long", parts, [f"compose left out ({reason})"])
    return phases.run("./dev test long", {**parts, "compose": lambda: compose.test([])})


def _soak() -> int:
    """The soak test, with the programs of this build."""
    command = ["cargo", "run", "-p", "soak", "--", "--minutes", _SOAK_MINUTES]
    return console.run(command, env=build.cargo_environment())


def install_tools() -> int:
    """`./dev tools`: install the programs that the tests need."""
    tools.install(for_tests=True)
    tools.report()
    return 0
