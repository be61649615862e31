"""Run the phases of a long command, and sum them up in the last line."""

import time
from collections.abc import Callable, Mapping, Sequence

from devtools import console
from devtools.console import CliError

Phase = Callable[[], int]


def run(command: str, phases: Mapping[str, Phase], left_out: Sequence[str] = (), failed: bool = False) -> int:
    """Run every phase, even when an earlier one failed, and print the time of each.

    `left_out` says which phases cannot run here; with `failed`, the command fails because of them.
    """
    summary = list(left_out)
    for name, phase in phases.items():
        begin = time.monotonic()
        console.step(f"==== {name}")
        code = exit_code(phase)
        failed = failed or code != 0
        took = console.elapsed(time.monotonic() - begin)
        summary.append(f"{name} {'FAILED' if code else 'ok'} ({took})")
    console.step(f"{command}: {', '.join(summary)}: {'FAILED' if failed else 'all passed'}")
    return 1 if failed else 0


def exit_code(phase: Phase) -> int:
    """The exit code of a phase. An error is printed and counts as 1, so that the other phases still run."""
    try:
        return phase()
    except (CliError, OSError, LookupError, ValueError) as error:
        console.warn(str(error) if isinstance(error, CliError) else repr(error))
        return 1
