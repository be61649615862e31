"""`./dev test`: everything CI runs, or some of the tests."""

import time
from collections.abc import Callable, Sequence

from . import build, console, layout, tools
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
    words = list(arguments[1:] if arguments[0] == "all" else arguments)
    tools.install(for_tests=True)
    build.require_toolchain()
    return _cargo_test(words)


def _cargo_test(words: list[str]) -> int:
    """The programs are built first, once and as `./dev up` builds them: end-to-end tests run these binaries."""
    environment = build.cargo_environment()
    built = console.run(["cargo", "build", "--workspace", "--bins"], env=environment)
    if built:
        return built
    environment["HARNESS_BIN_DIR"] = str(layout.target_dir() / build.profile_folder(release=False))
    return console.run(["cargo", "test", *words], env=environment)


def _everything() -> int:
    """All phases, also after one failed, and a last line that sums them up."""
    build.require_toolchain()
    phases: dict[str, Callable[[], int]] = {
        "tools": install_tools,
        "lint": lint,
        "tests": lambda: _cargo_test(["--workspace", "--no-fail-fast"]),
    }
    left_out = swarm_lab.unfit()
    if left_out:
        console.step(f"the Swarm tests are LEFT OUT on this machine: {left_out}")
    else:
        phases["swarm"] = lambda: swarm_commands.test([])
    summary, failed = [], False
    for name, phase in phases.items():
        begin = time.monotonic()
        console.step(f"==== {name}")
        code = _code_of(phase)
        failed = failed or code != 0
        took = console.elapsed(time.monotonic() - begin)
        summary.append(f"{name} {'FAILED' if code else 'ok'} ({took})")
    if left_out:
        summary.append("swarm LEFT OUT")
    console.step(f"./dev test: {', '.join(summary)}: {'FAILED' if failed else 'all passed'}")
    return 1 if failed else 0


def _code_of(phase: Callable[[], int]) -> int:
    """A phase's exit code; trouble in one does not keep the others from being run."""
    try:
        return phase()
    except Trouble as trouble:
        console.warn(str(trouble))
        return 1


def install_tools() -> int:
    """`./dev tools`: what the tests need."""
    tools.install(for_tests=True)
    tools.report()
    return 0
