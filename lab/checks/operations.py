"""The commands of docs/operations.md (section 7 of the Korean deployment guide), each run exactly as written there."""

import shlex
import time

from devtools import layout
from devtools.console import CliError
from lab import docker, nodes, orders, settings, stack

_DOCUMENT = layout.ROOT / "docs" / "operations.md"
_TIMED_OUT = 124
_READ = """\
docker swarm join-token worker
docker swarm join-token manager
docker node ls
docker node inspect --pretty NODE
docker node update --label-add type=app NODE
docker node inspect --format '{{.Spec.Labels}}' NODE
docker stack ls
docker stack services myapp
docker stack ps myapp --no-trunc
docker stack ps myapp --filter desired-state=shutdown
docker service ls
docker service ps myapp_service-order
docker service inspect --pretty myapp_service-order
docker service logs --tail 100 myapp_service-order
docker secret create app_password ./password.txt
docker secret ls
docker secret rm app_password
docker config create app_config ./settings.yml
docker config ls
docker config inspect --pretty app_config
docker config rm app_config
"""
_CHANGE = """\
docker service scale myapp_service-order=5 myapp_service-inventory=3
docker service update --image localhost:5000/service-order:next myapp_service-order
docker service update --env-add RUST_LOG=debug myapp_service-order
docker service update --force myapp_service-order
docker service rollback myapp_service-order
"""
_DRAIN = """\
docker node update --availability drain NODE
docker node update --availability active NODE
"""


def _run(command: str, node: str = "node1") -> None:
    """Run one command of the page on the first node, in a folder with the files that it names."""
    if command not in _DOCUMENT.read_text():
        raise CliError(f"docs/operations.md does not contain `{command}`")
    folder = settings.cache() / "contexts" / "operations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password.txt").write_text("secret")
    (folder / "settings.yml").write_text("a: 1\n")
    words = shlex.split(command.replace(" NODE", f" {node}"))
    if words[1:3] == ["service", "update"]:
        words[3:3] = ["--no-resolve-image"]
    limit = []
    if words[1:3] == ["service", "logs"]:
        limit = ["timeout", "30"]  # it sometimes hangs after the last line (docker/cli#4678, moby/moby#38640)
    done = docker.at_manager("env", f"--chdir={folder}", *limit, *words, timeout=400)
    hung = limit and done.returncode == _TIMED_OUT and done.stdout
    if done.returncode and not hung:
        raise CliError(f"`{command}`: {done.stderr.strip()}")


def read() -> str:
    """Korean guide, section 7: the commands that only read, and those for secrets, configs and labels."""
    # The commands change a label, so they get a node that does not hold the data.
    for command in _READ.splitlines():
        _run(command, f"node{nodes.running()[-1]}")
    return f"{len(_READ.splitlines())} commands"


def change() -> str:
    """Korean guide, section 7: scaling, updating, rolling back and replacing lose no order."""
    image = "localhost:5000/service-order"
    for number in nodes.running():
        docker.run(settings.node(number), "tag", f"{image}:latest", f"{image}:next")
    stack.deploy(settings.FAST_UPDATE)
    with orders.Load() as load:
        for command in _CHANGE.splitlines():
            _run(command)
        stack.deploy(timeout=400)
    form = ("-f", "{{.Spec.TaskTemplate.ContainerSpec.Image}}")
    image = docker.manager("service", "inspect", *form, f"{settings.STACK}_service-order")
    if not image.endswith(":latest"):
        raise CliError(f"the stack file was deployed again, but service-order still runs {image}")
    return f"{len(_CHANGE.splitlines())} commands, and the stack file again; {load.confirmed} orders, all CONFIRMED"


def maintenance() -> str:
    """Korean guide, section 7: a worker is drained, activated, removed and joined again, and no order is lost."""
    last = nodes.running()[-1]
    with orders.Load() as load:
        drain, active = _DRAIN.splitlines()
        _run(drain, f"node{last}")
        time.sleep(20)
        _run(active, f"node{last}")
        stack.wait_until_complete(120)
    docker.run(settings.node(last), "swarm", "leave")
    deadline = time.monotonic() + 60
    while "Down" not in docker.manager("node", "ls", "--filter", f"name=node{last}") and time.monotonic() < deadline:
        time.sleep(1)
    _run("docker node rm NODE", f"node{last}")
    stack.wait_until_complete(120)
    orders.wait_for_confirmed()
    nodes.form_swarm(len(nodes.running()))
    stack.wait_for_edge_everywhere(60)
    return f"{load.confirmed} orders, all CONFIRMED"
