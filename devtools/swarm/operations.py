"""docs/operations.md: the commands of the guide's section 7, each of them run as it stands there."""

import shlex
import time

from .. import layout
from ..console import Trouble
from . import lab, nodes, stack

_DOCUMENT = layout.ROOT / "docs" / "operations.md"
_LOOK = """\
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
_NODE = """\
docker node update --availability drain NODE
docker node update --availability active NODE
"""


def _run(command: str, node: str = "node1") -> None:
    """One command of the document, at the first node, in a folder with the files that it names."""
    if command not in _DOCUMENT.read_text():
        raise Trouble(f"docs/operations.md does not have `{command}`")
    folder = lab.cache() / "contexts" / "operations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password.txt").write_text("secret")
    (folder / "settings.yml").write_text("a: 1\n")
    words = shlex.split(command.replace(" NODE", f" {node}"))
    if words[1:3] == ["service", "update"]:
        words[3:3] = ["--no-resolve-image"]
    limit = []
    if words[1:3] == ["service", "logs"]:
        limit = ["timeout", "30"]  # it hangs now and then, after the last line (docker/cli#4678, moby/moby#38640)
    done = lab.attempt(["env", f"--chdir={folder}", *limit, *words], lab.environment(lab.node(1)), 400)
    hung = limit and done.returncode == 124 and done.stdout
    if done.returncode and not hung:
        raise Trouble(f"`{command}`: {done.stderr.strip()}")


def look() -> str:
    """guide 7: the commands that only look, and those for secrets, configs and labels"""
    # Another node than that of the data: its label is changed.
    for command in _LOOK.splitlines():
        _run(command, f"node{lab.nodes()[-1]}")
    return f"{len(_LOOK.splitlines())} commands"


def change() -> str:
    """guide 7: scaling, updating, rolling back and replacing, without an order lost"""
    for number in lab.nodes():
        lab.docker(lab.node(number), "tag", "localhost:5000/service-order:latest", "localhost:5000/service-order:next")
    stack.deploy(lab.HURRY)
    with stack.Load() as load:
        for command in _CHANGE.splitlines():
            _run(command)
        stack.deploy(timeout=400)
    image = lab.manager("service", "inspect", "-f", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", f"{lab.STACK}_service-order")
    if not image.endswith(":latest"):
        raise Trouble(f"the stack file was deployed again, and service-order still runs {image}")
    return f"{len(_CHANGE.splitlines())} commands, and the stack file again; {load.confirmed} orders, all CONFIRMED"


def maintenance() -> str:
    """guide 7: a worker is drained and comes back, without an order lost; then it leaves, and joins again"""
    last = lab.nodes()[-1]
    with stack.Load() as load:
        drain, active = _NODE.splitlines()
        _run(drain, f"node{last}")
        time.sleep(20)
        _run(active, f"node{last}")
        stack.wait_until_it_stands(120)
    lab.docker(lab.node(last), "swarm", "leave")
    deadline = time.monotonic() + 60
    while "Down" not in lab.manager("node", "ls", "--filter", f"name=node{last}") and time.monotonic() < deadline:
        time.sleep(1)
    _run("docker node rm NODE", f"node{last}")
    stack.wait_until_it_stands(120)
    stack.order_when_ready()
    nodes.form(len(lab.nodes()))
    stack.wait_for_edge_everywhere(60)
    return f"{load.confirmed} orders, all CONFIRMED"
