"""deploy.sh refuses a deployment that cannot work: it prints one line and changes nothing."""

from lab import docker, nodes, settings, stack
from lab.scripts import deploy_with, refused


def no_daemon() -> str:
    """deploy.sh refuses to run without a Docker daemon."""
    return refused(
        stack.attempt_deploy(variables={"DOCKER_HOST": "unix:///nowhere.sock"}), "the Docker daemon does not answer"
    )


def no_swarm() -> str:
    """deploy.sh refuses to run before `docker swarm init`."""
    for number in reversed(nodes.running()):
        docker.run(settings.node(number), "swarm", "leave", "--force")
    done = stack.attempt_deploy()
    nodes.form_swarm(len(nodes.running()))
    return refused(done, "not in a Swarm: docker swarm init")


def worker() -> str:
    """deploy.sh refuses to run on a worker."""
    done = stack.attempt_deploy(variables={"DOCKER_HOST": docker.environment(settings.node(2))["DOCKER_HOST"]})
    return refused(done, "a worker of the Swarm")


def missing_image() -> str:
    """deploy.sh refuses an image that does not exist."""
    return refused(stack.attempt_deploy(variables={"TAG": "nowhere"}), "is neither on this node nor in its registry")


def missing_label() -> str:
    """deploy.sh refuses a label that no node has."""
    constraint = "{placement: {constraints: [node.labels.type == nothing]}}"
    done = deploy_with(f"services: {{redis: {{deploy: {constraint}}}}}\n")
    return refused(done, "no manager has the label type=nothing")


def missing_secret() -> str:
    """deploy.sh refuses a secret that does not exist."""
    return refused(stack.attempt_deploy(stack.variant("secrets")), "secret mysql_password_v1 is missing")


def missing_network() -> str:
    """deploy.sh refuses an external network that does not exist."""
    return refused(deploy_with("networks: {other: {external: true, name: nowhere}}\n"), "network nowhere is missing")


def wrong_file() -> str:
    """deploy.sh refuses an invalid stack file."""
    return refused(deploy_with("services: {service-order: {depends_on: {mysql: {}}}}\n"), "the stack file is wrong")


CHECKS = [no_daemon, missing_image, missing_label, missing_secret, missing_network, wrong_file]
