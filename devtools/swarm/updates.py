"""Updates that fail, and updates that do not: deploy.sh tells which, Swarm goes back, no order is lost."""

from ..console import Trouble
from . import lab, stack
from .scripts import deploy_with, diagnose, diagnosis, refused


def _failed(override: str, why: str, timeout: int = 180) -> str:
    """An update that deploy.sh says has failed, and why; orders go through all the same."""
    line = refused(deploy_with(f"services: {override}\n", lab.HURRY, timeout=timeout), why)
    stack.order_when_ready(40)
    return line


def never_healthy() -> str:
    """an update that never gets healthy: deploy.sh fails, Swarm goes back, and an order goes through"""
    probe = (
        "healthcheck: {test: [CMD, /usr/local/bin/service-order, nonsense], interval: 2s, retries: 2, start_period: 1s}"
    )
    line = _failed(f"{{service-order: {{{probe}}}}}", "rollback completed: its health check failed")
    if "took that back" not in diagnose().stdout:
        raise Trouble("diagnose.sh does not say that the update was taken back")
    return line


def wrong_setting() -> str:
    """an update with a wrong setting: deploy.sh fails and Swarm goes back"""
    environment = "environment: {SERVER_PORT: nonsense}"
    return _failed(f"{{service-payment: {{{environment}}}}}", "rollback completed: task: non-zero exit (2)")


def pauses() -> str:
    """an update that fails where Swarm does not go back by itself: deploy.sh fails, and the next deployment mends it"""
    command = "command: [redis-server, --nonsense, 'yes']"
    line = refused(
        deploy_with(f"services: {{redis: {{{command}}}}}\n", lab.HURRY, timeout=180), "its update failed, paused"
    )
    diagnosis("its last update is paused")
    stack.deploy(lab.HURRY)
    stack.order_when_ready()
    return line


def pending() -> str:
    """an update for which no node has room: deploy.sh fails after its time, and the next deployment mends it"""
    room = "deploy: {resources: {reservations: {memory: 900G}, limits: {memory: 900G}}}"
    line = _failed(f"{{service-inventory: {{{room}}}}}", "insufficient resources", timeout=20)
    diagnosis("its update waits")
    stack.deploy(lab.HURRY)
    return line


def release_and_rollback() -> str:
    """a release with another tag, and deploy/rollback.sh back, without an order lost"""
    for number in lab.nodes():
        for service in lab.SERVICES:
            lab.docker(lab.node(number), "tag", f"localhost:5000/{service}:latest", f"localhost:5000/{service}:next")
    with stack.Load() as load:
        done = stack.attempt_deploy(lab.HURRY, TAG="next", timeout=400)
        if done.returncode:
            raise Trouble(done.stderr)
        back = lab.attempt(["deploy/rollback.sh"], lab.environment(lab.node(1)), 600)
        if back.returncode or back.stdout.count(":latest") != len(lab.SERVICES):
            raise Trouble(f"rollback.sh: {back.stdout} {back.stderr}")
    again = lab.attempt(["deploy/rollback.sh"], lab.environment(lab.node(1)), 60)
    refused(again, "deploy the older TAG")
    done = lab.attempt(["deploy/rollback.sh", "nonsense"], lab.environment(lab.node(1)))
    refused(done, f"there is no service {lab.STACK}_nonsense")
    return f"{back.stdout.strip().splitlines()[-1]} and 3 more; meanwhile {load.confirmed} orders, all CONFIRMED"


def same_tag() -> str:
    """other content under the same tag: deploy.sh says that the old goes on"""
    image, kept = "localhost:5000/service-order:latest", "localhost:5000/service-order:kept"
    lab.manager("tag", image, kept)
    lab.manager("tag", "redis:7-alpine", image)
    try:
        said = stack.deploy(lab.HURRY)
    finally:
        lab.manager("tag", kept, image)
    line = next((line for line in said.splitlines() if "runs another" in line), "")
    if not line:
        raise Trouble(said)
    return line


def other_placement() -> str:
    """a change that replaces no task: deploy.sh does not wait for an update that never comes"""
    before = {task["ID"] for task in stack.tasks("mysql")}
    lab.manager("node", "update", "--label-add", "type=db", "node1")
    stack.deploy(stack.variant("nodes"), lab.HURRY, timeout=90)
    if {task["ID"] for task in stack.tasks("mysql")} != before:
        raise Trouble("the database was replaced")
    stack.deploy(lab.HURRY, timeout=90)
    return "the database is the same"


CHECKS = [never_healthy, wrong_setting, pauses, pending, release_and_rollback, same_tag, other_placement]
