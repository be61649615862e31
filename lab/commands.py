"""`./dev swarm` and `./dev test swarm`: the commands of the lab."""

import argparse
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from devtools import build, console, interrupts, layout, lock, tools
from devtools import services as product
from devtools.console import CliError
from lab import daemons, docker, nodes, orders, repeat, requirements, settings, stack, walk
from lab.images import full_build, names, services, substitutes, transfer
from lab.vm import machine

HELP = """\
usage: ./dev swarm COMMAND

  up [--nodes 1|3] [--full-build]
                       start a Swarm of real Docker daemons on this machine and load all images; needs root
  deploy               deploy the stack with deploy/deploy.sh, then place one order
  status               print the nodes, the services, and the failed tasks
  images [--report]    build our four images with the complete deploy/Dockerfile, as `up --full-build` does (slow).
                       Without --full-build, `up` uses the programs that cargo has built.
  run COMMAND…         run a command in the first node, for instance: ./dev swarm run docker service ls
  vm [--full-build]    run the unchanged stack in a virtual machine with IPVS and the ingress mesh (slow)
  down [--wipe]        stop everything; --wipe also deletes the images of the nodes
"""


def swarm(words: Sequence[str]) -> int:
    """Run one command of the lab."""
    with_own_words = {"run": _run_in_node, "images": _images}
    if words and words[0] in with_own_words:
        return with_own_words[words[0]](list(words[1:]))
    chosen = _parser().parse_args(words)
    reading = {"help": _help, "status": _status}
    changing: dict[str, Callable[[], int]] = {
        "up": lambda: up(chosen.nodes, chosen.full_build),
        "deploy": _deploy,
        "vm": lambda: _vm(chosen.full_build),
        "down": lambda: down(chosen.wipe),
    }
    if chosen.command in reading:
        return reading[chosen.command]()
    with lock.held(lock_file()):
        return changing[chosen.command]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev swarm", usage=HELP.removeprefix("usage: "), add_help=False, allow_abbrev=False
    )
    parser.add_argument("command", choices=["up", "deploy", "status", "images", "run", "vm", "down", "help"])
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--wipe", action="store_true")
    parser.add_argument("--full-build", action="store_true")
    return parser


def lock_file() -> Path:
    """The lock that each command holds while it changes the lab."""
    return settings.cache() / "lock"


def down(wipe: bool = False) -> int:
    """Stop everything in the lab."""
    with interrupts.ignored():
        nodes.stop_all(wipe)
        daemons.stop_helper("builder")
    return 0


def up(count: int, full: bool = False) -> int:
    """Start a Swarm of this many nodes, with images of the current sources."""
    requirements.require()
    _build_images(full)
    nodes.form_swarm(count)
    for number in range(1, count + 1):
        transfer.load(settings.node(number), names.stack())
    host = f"unix://{docker.socket(settings.node(1))}"
    console.step(f"the Swarm has {count} node(s); the docker command reaches it with DOCKER_HOST={host}")
    return 0


def _build_images(full: bool) -> None:
    """Build all images of the stack in the builder."""
    tools.install()
    if full:
        full_build.build_latest()
        return
    build.build((service.name for service in product.every_service()), release=False)
    substitutes.build()
    services.build_from_programs()


def _images(words: list[str]) -> int:
    requirements.require()
    return full_build.run(words)


def _vm(full: bool) -> int:
    requirements.require()
    _build_images(full)
    return machine.run()


def _help() -> int:
    console.say(HELP.rstrip())
    return 0


def _deploy() -> int:
    """Deploy the stack and place one order through port 21081."""
    stack.deploy()
    console.step(f"order: {orders.place(order=orders.GUIDE_ORDER)}")
    return 0


def _status() -> int:
    """Print the nodes, the services and the failed tasks."""
    if not daemons.pid(settings.node(1)):
        console.say("the lab does not run; start it with ./dev swarm up")
        return 1
    console.say(docker.manager("node", "ls"))
    console.say(docker.manager("service", "ls"))
    deployed = settings.STACK in docker.manager("stack", "ls")
    for task in stack.tasks(running=False) if deployed else []:
        if task["Error"]:
            console.say(f"{task['Name']}: {task['CurrentState']}: {task['Error']}")
    return 0


def _run_in_node(words: list[str]) -> int:
    """Run a command in the network of the first node; its docker commands go to that node."""
    enter = ["nsenter", f"--net=/run/netns/{settings.node(1)}"]
    environment = {**os.environ, **docker.environment(settings.node(1))}
    return subprocess.run([*enter, *words], cwd=layout.ROOT, env=environment, check=False).returncode


def test(words: Sequence[str]) -> int:
    """Run `./dev test swarm`. It leaves nothing running."""
    parser = argparse.ArgumentParser(prog="./dev test swarm", allow_abbrev=False)
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--repeat", type=int, default=0, help="deploy from nothing this many times, in random order")
    parser.add_argument(
        "--full-build", action="store_true", help="build our images with the complete deploy/Dockerfile"
    )
    chosen = parser.parse_args(words)
    with lock.held(lock_file()):
        if nodes.running():
            raise CliError("the lab already runs and its stack may be in use; stop it with ./dev swarm down")
        try:
            up(chosen.nodes, chosen.full_build)
            return repeat.test(chosen.repeat) if chosen.repeat else walk.test(chosen.nodes)
        finally:
            down()
