"""What deploy.sh refuses before it deploys: one line, and nothing is changed."""

from . import lab, nodes, stack
from .scripts import deploy_with, refused


def no_daemon() -> str:
    """deploy.sh without a Docker daemon"""
    return refused(stack.attempt_deploy(DOCKER_HOST="unix:///nowhere.sock"), "the Docker daemon does not answer")


def no_swarm() -> str:
    """deploy.sh before `docker swarm init`"""
    for number in reversed(lab.nodes()):
        lab.docker(lab.node(number), "swarm", "leave", "--force")
    done = stack.attempt_deploy()
    nodes.form(len(lab.nodes()))
    return refused(done, "not in a Swarm: docker swarm init")


def worker() -> str:
    """deploy.sh on a worker"""
    done = stack.attempt_deploy(DOCKER_HOST=lab.environment(lab.node(2))["DOCKER_HOST"])
    return refused(done, "a worker of the Swarm")


def missing_image() -> str:
    """deploy.sh with an image that is nowhere"""
    return refused(stack.attempt_deploy(TAG="nowhere"), "is neither on this node nor in its registry")


def missing_label() -> str:
    """deploy.sh with a label that no node has"""
    constraint = "{placement: {constraints: [node.labels.type == nothing]}}"
    done = deploy_with(f"services: {{redis: {{deploy: {constraint}}}}}\n")
    return refused(done, "no manager has the label type=nothing")


def missing_secret() -> str:
    """deploy.sh with a secret that is missing"""
    return refused(stack.attempt_deploy(stack.variant("secrets")), "secret mysql_password_v1 is missing")


def missing_network() -> str:
    """deploy.sh with a network that is missing"""
    return refused(deploy_with("networks: {other: {external: true, name: nowhere}}\n"), "network nowhere is missing")


def wrong_file() -> str:
    """deploy.sh with a stack file that is wrong"""
    return refused(deploy_with("services: {service-order: {depends_on: {mysql: {}}}}\n"), "the stack file is wrong")


CHECKS = [no_daemon, missing_image, missing_label, missing_secret, missing_network, wrong_file]
