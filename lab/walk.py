"""`./dev test swarm`: every check of the lab, in order, on a running Swarm."""

import time
from collections.abc import Callable

from devtools import console
from devtools.console import CliError
from lab.checks import deployment, diagnosis, operations, refusals, replicas, secrets, updates

Check = Callable[[], str]


def test(count: int) -> int:
    """Run all checks for this number of nodes. The last line sums them up."""
    passed, failed = 0, []
    for check in _checks(count):
        if passes(check):
            passed += 1
        else:
            failed.append(title(check))
            if check is deployment.deploy:
                break
    for name in failed:
        console.warn(f"failed: {name}")
    console.say(f"swarm: {passed} passed, {len(failed)} failed")
    return 1 if failed else 0


def passes(check: Check) -> bool:
    """Run a check and print its result and its time."""
    begin = time.monotonic()
    try:
        detail = check()
    except (CliError, OSError, LookupError, ValueError) as error:
        console.step(f"FAILED  {title(check)}: {error if isinstance(error, CliError) else repr(error)}")
        return False
    took = console.elapsed(time.monotonic() - begin)
    console.step(f"ok      {title(check)} ({took}){': ' + detail if detail else ''}")
    return True


def title(check: Check) -> str:
    """The first line of a check's docstring, without the period."""
    return (check.__doc__ or check.__name__).splitlines()[0].removesuffix(".")


def _checks(count: int) -> list[Check]:
    """The checks in order. With several nodes, only the checks that need them: the others need only one node."""
    around = [replicas.scale_up, replicas.scale_down, replicas.killed, deployment.deploy_again, operations.read]
    before: list[Check]
    after: list[Check]
    if count == 1:
        before = [deployment.config, refusals.no_swarm, *refusals.CHECKS]
        after = [*updates.CHECKS, *diagnosis.CHECKS]
    else:
        before = [refusals.no_swarm, refusals.worker]
        around = [replicas.spread, replicas.every_node, *around]
        after = [deployment.stage, operations.change, operations.maintenance, diagnosis.healthy, diagnosis.drained]
    end = [deployment.remove, secrets.variant, deployment.leave]
    return [*before, deployment.deploy, deployment.order, *around, *after, *end]
