"""`./dev test swarm`: the guide's walk through a Swarm (its section 11), and what must hold around it, in the lab."""

import json
import time
from collections.abc import Callable

from .. import console
from ..console import Trouble
from . import faults, lab, operations, refusals, replicas, scripts, secrets, stack, updates


def test(count: int) -> int:
    """All checks, in order, on a Swarm that is up; the last line sums them up."""
    passed, failed = 0, []
    for check in _checks(count):
        begin = time.monotonic()
        title = (check.__doc__ or check.__name__).splitlines()[0]
        try:
            detail = check()
            passed += 1
            console.step(
                f"ok      {title} ({console.elapsed(time.monotonic() - begin)}){': ' + detail if detail else ''}"
            )
        except (Trouble, OSError, LookupError, ValueError) as trouble:
            failed.append(title)
            console.step(f"FAILED  {title}: {trouble if isinstance(trouble, Trouble) else repr(trouble)}")
            if check is deploy:
                break
    for title in failed:
        console.warn(f"failed: {title}")
    console.say(f"swarm: {passed} passed, {len(failed)} failed")
    return 1 if failed else 0


def _checks(count: int) -> list[Callable[[], str]]:
    """On several nodes, what needs them; what goes wrong in a stack alone is seen on one."""
    around = [replicas.scale_up, replicas.scale_down, replicas.killed, deploy_again, operations.look]
    if count == 1:
        before, after = [config, refusals.no_swarm, *refusals.CHECKS], [*updates.CHECKS, *faults.CHECKS]
    else:
        before, after = [refusals.no_swarm, refusals.worker], [*_SEVERAL, faults.stands, faults.drained]
        around = [replicas.spread, replicas.every_node, *around]
    return [*before, deploy, orders, *around, *after, remove, secrets.variant, leave]


_VARIANTS = ((), ("stage",), ("nodes",), ("secrets",), ("nodes", "secrets"), ("nodes", "stage", "secrets"))


def config() -> str:
    """`docker stack config` passes without a warning"""
    empty = {"MYSQL_PASSWORD": "", "TEMPORAL_PASSWORD": ""}
    for variant in _VARIANTS:
        files = ["-c", str(lab.STACK_FILE), *(word for name in variant for word in ("-c", stack.variant(name)))]
        done = lab.attempt(["docker", "stack", "config", *files], empty if "secrets" in variant else {})
        if done.returncode or done.stderr.strip():
            raise Trouble(f"{variant or 'dev'}: {done.stderr.strip()}")
    return ", ".join("+".join(["dev", *variant]) for variant in _VARIANTS)


def deploy() -> str:
    """guide 11, steps 3 and 4: all services reach their replicas"""
    begin = time.monotonic()
    stack.deploy()
    return f"{len(stack.services())} services in {console.elapsed(time.monotonic() - begin)}"


def orders() -> str:
    """guide 11, step 5: the curl on port 21081 answers CONFIRMED"""
    stack.order_when_ready()
    answer = stack.order(what=stack.GUIDE_ORDER)
    if answer.get("status") != "CONFIRMED":
        raise Trouble(json.dumps(answer))
    replicas.stock_up()
    return json.dumps(answer)


def deploy_again() -> str:
    """deploying twice changes nothing: no task is replaced, the jobs run again without effect"""
    # The check before killed a replica: the manager hears a moment later that its successor runs.
    stack.wait_until_it_stands(60)
    before, schema, ran = _tasks(), _schema(), _last_runs()
    stack.deploy()
    time.sleep(5)
    after = _tasks()
    if before != after:
        raise Trouble(f"tasks were replaced: {sorted(before ^ after)}")
    if _schema() != schema:
        raise Trouble(f"Temporal's schema was {schema} and is {_schema()}")
    again = [job for job, last in _last_runs().items() if last != ran[job]]
    if len(again) != len(_JOBS):
        raise Trouble(f"of the jobs only {again} ran again")
    stack.order_when_ready()
    return f"{len(after)} tasks are the same, ran again: {', '.join(again)}, Temporal's schema: {schema}"


_JOBS = ("temporal-schema", "temporal-namespace")


def _last_runs() -> dict[str, str]:
    """When each job was started last."""
    form = ("--format", "{{.JobStatus.LastExecution}}")
    return {job: lab.manager("service", "inspect", *form, f"{lab.STACK}_{job}") for job in _JOBS}


def _schema() -> str:
    """The schema's version, how often it was changed, and the namespaces, as Temporal's database has them."""
    node, which = replicas.container("temporal-postgresql")
    query = (
        "SELECT (SELECT curr_version FROM schema_version), (SELECT count(*) FROM schema_update_history), "
        "(SELECT string_agg(name, '+' ORDER BY name) FROM namespaces)"
    )
    return lab.docker(node, "exec", which, "psql", "-h", "/tmp", "-U", "temporal", "-tAc", query, "temporal")


def _tasks() -> set[str]:
    """The running tasks that are not of jobs."""
    running = [task for task in stack.tasks() if task["CurrentState"].startswith("Running")]
    return {f"{task['Name']} {task['ID']}" for task in running if not any(job in task["Name"] for job in _JOBS)}


def stage() -> str:
    """the stage profile: one replica of each of ours, which diagnose.sh notes"""
    stack.deploy(stack.variant("stage"), timeout=600)
    stack.order_when_ready()
    counts = {name: replicas for name, replicas in stack.services().items() if name in lab.SERVICES}
    notes = [line for line in scripts.diagnose().stdout.splitlines() if "only 1 replica" in line]
    if set(counts.values()) != {"1/1"} or len(notes) != len(lab.SERVICES):
        raise Trouble(f"{counts}, {notes}")
    stack.deploy(timeout=600)
    return ", ".join(f"{name} {replicas}" for name, replicas in counts.items())


_SEVERAL = [stage, operations.change, operations.maintenance]


def remove() -> str:
    """guide 11, step 7: docker stack rm leaves nothing"""
    stack.remove()
    return ""


def leave() -> str:
    """guide 11, step 7: docker swarm leave --force"""
    for number in reversed(lab.nodes()):
        lab.docker(lab.node(number), "swarm", "leave", "--force")
    state = lab.manager("info", "--format", "{{.Swarm.LocalNodeState}}")
    if state != "inactive":
        raise Trouble(f"the node is still {state}")
    return ""
