"""`./dev test`: everything CI runs, or some of the tests."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence

from . import build, console, layout, rules, tools
from .console import Trouble
from .lint import lint
from .swarm import commands as swarm_commands
from .swarm import lab as swarm_lab


def test(arguments: Sequence[str]) -> int:
    """With nothing or `all`: tools, lint and every test. With cargo's arguments: just those tests."""
    if list(arguments) in ([], ["all"]):
        return _everything()
    if arguments[0] == "swarm":
        return swarm_commands.test(arguments[1:])
    if arguments[0] == "rules":
        return rules.test(arguments[1:])
    words = list(arguments[1:] if arguments[0] == "all" else arguments)
    if not words[0].startswith("-"):
        raise Trouble(f"./dev test {words[0]}: what is that? Arguments go to cargo test: -p CRATE [--test FILE] [NAME]")
    tools.install(for_tests=True)
    build.require_toolchain()
    return _cargo_test(words) or _nothing_was_tested(words)


def _nothing_was_tested(words: list[str]) -> int:
    """A misspelt name would pass for a success."""
    end = words.index("--") + 1 if "--" in words else len(words)
    own = [*words[:end], *([] if "--" in words else ["--"]), "--list", "--format", "terse", *words[end:]]
    listed = subprocess.run(
        ["cargo", "test", "-q", *own], cwd=layout.ROOT, env={**os.environ, **build.cargo_environment()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and ": test" not in listed.stdout:
        raise Trouble(f"no test was run: none is called as `{' '.join(words)}` says")
    return 0


def _cargo_test(words: list[str]) -> int:
    """The programs are built first, once and as `./dev up` builds them: end-to-end tests run these binaries."""
    environment = build.cargo_environment()
    built = console.run(["cargo", "build", "--workspace", "--bins"], env=environment)
    if built:
        return built
    environment["HARNESS_BIN_DIR"] = str(layout.target_dir() / build.profile_folder(release=False))
    return console.run(["cargo", "test", *words], env=environment)


def _everything() -> int:
    """All phases, also after one failed, and a last line that sums them up. Where the Swarm lab cannot be, it says so."""
    build.require_toolchain()
    phases: dict[str, Callable[[], int]] = {
        "tools": install_tools,
        "lint": lint,
        "tests": lambda: _cargo_test(["--workspace", "--no-fail-fast"]),
    }
    summary, failed = [], False
    if reason := swarm_lab.unfit():
        summary.append(f"swarm left out ({reason})")
        failed = bool(os.environ.get("SWARM_REQUIRED"))
    else:
        phases["swarm"] = lambda: swarm_commands.test([])
    for name, phase in phases.items():
        begin = time.monotonic()
        console.step(f"==== {name}")
        code = _code_of(phase)
        failed = failed or code != 0
        took = console.elapsed(time.monotonic() - begin)
        summary.append(f"{name} {'FAILED' if code else 'ok'} ({took})")
    console.step(f"./dev test: {', '.join(summary)}: {'FAILED' if failed else 'all passed'}")
    return 1 if failed else 0


def _code_of(phase: Callable[[], int]) -> int:
    """A phase's exit code; trouble in one does not keep the others from being run."""
    try:
        return phase()
    except (Trouble, OSError, LookupError, ValueError) as trouble:
        console.warn(str(trouble) if isinstance(trouble, Trouble) else repr(trouble))
        return 1


def install_tools() -> int:
    """`./dev tools`: what the tests need."""
    tools.install(for_tests=True)
    tools.report()
    return 0
