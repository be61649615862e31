"""Updates: deploy.sh reports whether one failed, Swarm rolls back, and no order is lost."""

from devtools.console import CliError
from lab import docker, nodes, orders, settings, stack
from lab.scripts import deploy_with, diagnose, diagnosis, line_with, refused


def _failed(override: str, why: str, timeout: int = 180) -> str:
    """Require that deploy.sh reports a failed update and its reason, and that orders still work."""
    line = refused(deploy_with(f"services: {override}\n", settings.FAST_UPDATE, timeout=timeout), why)
    orders.wait_for_confirmed(40)
    return line


def never_healthy() -> str:
    """An update never becomes healthy: deploy.sh fails, Swarm rolls back, and an order works."""
    probe = (
        "healthcheck: {test: [CMD, /usr/local/bin/service-order, nonsense], interval: 2s, retries: 2, start_period: 1s}"
    )
    line = _failed(f"{{service-order: {{{probe}}}}}", "rollback completed: its health check failed")
    if "was rolled back" not in diagnose().stdout:
        raise CliError("diagnose.sh does not report the rollback")
    return line


def wrong_setting() -> str:
    """An update has a wrong setting: deploy.sh fails and Swarm rolls back."""
    environment = "environment: {SERVER_PORT: nonsense}"
    return _failed(f"{{service-payment: {{{environment}}}}}", "rollback completed: task: non-zero exit (2)")


def pauses() -> str:
    """An update of a service without automatic rollback fails: deploy.sh fails, and the next deployment repairs it."""
    override = "services: {redis: {command: [redis-server, --nonsense, 'yes']}}\n"
    line = refused(deploy_with(override, settings.FAST_UPDATE, timeout=180), "its update failed, paused")
    diagnosis("its last update is paused")
    stack.deploy(settings.FAST_UPDATE)
    orders.wait_for_confirmed()
    return line


def pending() -> str:
    """An update reserves more memory than any node has: deploy.sh fails, and the next deployment repairs it."""
    memory = "deploy: {resources: {reservations: {memory: 900G}, limits: {memory: 900G}}}"
    line = _failed(f"{{service-inventory: {{{memory}}}}}", "insufficient resources", timeout=20)
    diagnosis("its update waits")
    stack.deploy(settings.FAST_UPDATE)
    return line


def release_and_rollback() -> str:
    """Neither a release with a different tag nor its rollback with deploy/rollback.sh loses an order."""
    for number in nodes.running():
        for service in settings.SERVICES:
            image = f"localhost:5000/{service}"
            docker.run(settings.node(number), "tag", f"{image}:latest", f"{image}:next")
    with orders.Load() as load:
        done = stack.attempt_deploy(settings.FAST_UPDATE, variables={"TAG": "next"}, timeout=400)
        if done.returncode:
            raise CliError(done.stderr)
        back = docker.at_manager("deploy/rollback.sh")
        if back.returncode or back.stdout.count(":latest") != len(settings.SERVICES):
            raise CliError(f"rollback.sh: {back.stdout} {back.stderr}")
    again = docker.at_manager("deploy/rollback.sh", timeout=60)
    refused(again, "deploy the older TAG")
    refused(docker.at_manager("deploy/rollback.sh", "nonsense"), f"there is no service {settings.STACK}_nonsense")
    return f"{back.stdout.strip().splitlines()[-1]} and 3 more; meanwhile {load.confirmed} orders, all CONFIRMED"


def same_tag() -> str:
    """The same tag has new content: deploy.sh says that the old tasks keep running."""
    image, kept = "localhost:5000/service-order:latest", "localhost:5000/service-order:kept"
    docker.manager("tag", image, kept)
    docker.manager("tag", "redis:7-alpine", image)
    try:
        output = stack.deploy(settings.FAST_UPDATE)
    finally:
        docker.manager("tag", kept, image)
    line = line_with("runs another", output)
    if not line:
        raise CliError(output)
    return line


def other_placement() -> str:
    """A change replaces no task: deploy.sh does not wait for an update that never happens."""
    before = {task["ID"] for task in stack.tasks("mysql")}
    docker.manager("node", "update", "--label-add", "type=db", "node1")
    stack.deploy(stack.variant("nodes"), settings.FAST_UPDATE, timeout=90)
    if {task["ID"] for task in stack.tasks("mysql")} != before:
        raise CliError("the database was replaced")
    stack.deploy(settings.FAST_UPDATE, timeout=90)
    return "the database is the same"


CHECKS = [never_healthy, wrong_setting, pauses, pending, release_and_rollback, same_tag, other_placement]
