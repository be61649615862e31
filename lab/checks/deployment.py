"""Section 11 of the Korean deployment guide (see docs/guide-deviations.md): deploy, order, deploy again, remove."""

import json
import time

from devtools import console
from devtools.console import CliError
from lab import docker, nodes, orders, scripts, settings, stack
from lab.execute import capture

_VARIANTS = ((), ("stage",), ("nodes",), ("secrets",), ("nodes", "secrets"), ("nodes", "stage", "secrets"))
_JOBS = ("temporal-schema", "temporal-namespace")


def config() -> str:
    """`docker stack config` passes without a warning."""
    empty = {"MYSQL_PASSWORD": "", "TEMPORAL_PASSWORD": ""}
    for variant in _VARIANTS:
        files = ["-c", str(settings.STACK_FILE), *(word for name in variant for word in ("-c", stack.variant(name)))]
        done = capture(["docker", "stack", "config", *files], empty if "secrets" in variant else {})
        if done.returncode or done.stderr.strip():
            raise CliError(f"{variant or 'dev'}: {done.stderr.strip()}")
    return ", ".join("+".join(["dev", *variant]) for variant in _VARIANTS)


def deploy() -> str:
    """Korean guide, section 11, steps 3 and 4: all services reach their replica counts."""
    begin = time.monotonic()
    stack.deploy()
    return f"{len(stack.services())} services in {console.elapsed(time.monotonic() - begin)}"


def order() -> str:
    """Korean guide, section 11, step 5: the curl command to port 21081 is answered with CONFIRMED."""
    orders.wait_for_confirmed()
    answer = orders.place(order=orders.GUIDE_ORDER)
    if answer.get("status") != "CONFIRMED":
        raise CliError(json.dumps(answer))
    orders.add_stock()
    return json.dumps(answer)


def deploy_again() -> str:
    """A second deployment changes nothing: no task is replaced, and the jobs run again without effect."""
    # An earlier check kills a replica. The manager learns of the new one a moment later.
    stack.wait_until_complete(60)
    before, schema, runs = _tasks(), _schema(), _last_runs()
    stack.deploy()
    time.sleep(5)
    after = _tasks()
    if before != after:
        raise CliError(f"tasks were replaced: {sorted(before ^ after)}")
    if _schema() != schema:
        raise CliError(f"Temporal's schema was {schema} and is {_schema()}")
    again = [job for job, last in _last_runs().items() if last != runs[job]]
    if len(again) != len(_JOBS):
        raise CliError(f"only these jobs ran again: {again}")
    orders.wait_for_confirmed()
    return f"{len(after)} tasks are the same, these ran again: {', '.join(again)}, Temporal's schema: {schema}"


def _last_runs() -> dict[str, str]:
    """The time at which each job was last started."""
    form = ("--format", "{{.JobStatus.LastExecution}}")
    return {job: docker.manager("service", "inspect", *form, f"{settings.STACK}_{job}") for job in _JOBS}


def _schema() -> str:
    """The schema version, the number of its changes, and the namespaces, from Temporal's database."""
    node, container = stack.container("temporal-postgresql")
    query = (
        "SELECT (SELECT curr_version FROM schema_version), (SELECT count(*) FROM schema_update_history), "
        "(SELECT string_agg(name, '+' ORDER BY name) FROM namespaces)"
    )
    return docker.run(node, "exec", container, "psql", "-h", "/tmp", "-U", "temporal", "-tAc", query, "temporal")


def _tasks() -> set[str]:
    """The running tasks, without those of the jobs."""
    running = [task for task in stack.tasks() if task["CurrentState"].startswith("Running")]
    return {f"{task['Name']} {task['ID']}" for task in running if not any(job in task["Name"] for job in _JOBS)}


def stage() -> str:
    """The stage profile has one replica of each of the four services, and diagnose.sh says so."""
    stack.deploy(stack.variant("stage"), timeout=600)
    orders.wait_for_confirmed()
    counts = {name: replicas for name, replicas in stack.services().items() if name in settings.SERVICES}
    notes = [line for line in scripts.diagnose().stdout.splitlines() if "only 1 replica" in line]
    if set(counts.values()) != {"1/1"} or len(notes) != len(settings.SERVICES):
        raise CliError(f"{counts}, {notes}")
    stack.deploy(timeout=600)
    return ", ".join(f"{name} {replicas}" for name, replicas in counts.items())


def remove() -> str:
    """Korean guide, section 11, step 7: `docker stack rm` leaves nothing behind."""
    stack.remove()
    return ""


def leave() -> str:
    """Korean guide, section 11, step 7: `docker swarm leave --force`."""
    for number in reversed(nodes.running()):
        docker.run(settings.node(number), "swarm", "leave", "--force")
    state = docker.manager("info", "--format", "{{.Swarm.LocalNodeState}}")
    if state != "inactive":
        raise CliError(f"the node is still {state}")
    return ""
