"""`./dev swarm …`: what each of its words does."""

import argparse
from collections.abc import Sequence

from .. import build, console, interrupts, lock, services, tools
from ..console import Trouble
from . import images, lab, nodes, repeat, stack, vm, walk, whole

HELP = """\
usage: ./dev swarm COMMAND

  up [--nodes 1|3] [--whole]
                       a Swarm of real Docker daemons on this machine, with all images loaded; needs root
  deploy               the stack on it, by deploy/deploy.sh; then one order
  status               its nodes, services, and tasks that failed
  images [--report]    our four images by the whole deploy/Dockerfile (long), as `up --whole` has them; without it, `up`
                       packs what cargo has built
  run COMMAND…         a command in the first node, for instance: ./dev swarm run docker service ls
  vm [--whole]         the stack as it is, through the ingress mesh, in a virtual machine whose kernel has IPVS (slow)
  down [--wipe]        stop everything; --wipe forgets the nodes' images as well
"""


def swarm(words: Sequence[str]) -> int:
    """Run one of the lab's commands."""
    parser = argparse.ArgumentParser(prog="./dev swarm", usage=HELP, add_help=False, allow_abbrev=False)
    parser.add_argument("command", choices=["up", "deploy", "status", "run", "vm", "down", "help"])
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--wipe", action="store_true")
    parser.add_argument("--whole", action="store_true")
    if words and words[0] == "run":
        return stack.run_in_node(list(words[1:]))
    if words and words[0] == "images":
        lab.require()
        return whole.run(list(words[1:]))
    chosen = parser.parse_args(words)
    if chosen.command == "help":
        console.say(HELP.rstrip())
        return 0
    if chosen.command == "status":
        return stack.status()
    with lock.held(lab.cache() / "lock"):
        match chosen.command:
            case "up":
                return up(chosen.nodes, chosen.whole)
            case "deploy":
                return deploy()
            case "vm":
                lab.require()
                _make_images(chosen.whole)
                return vm.run()
            case _:
                return down(chosen.wipe)


def down(wipe: bool = False) -> int:
    """Stop everything of the lab."""
    with interrupts.ignored():
        nodes.stop_all(wipe)
        nodes.stop_aside("builder")
    return 0


def up(count: int, by_dockerfile: bool = False) -> int:
    """A Swarm of so many nodes, with images of what the sources say now."""
    lab.require()
    _make_images(by_dockerfile)
    nodes.form(count)
    for number in range(1, count + 1):
        images.load(number, images.stack_images())
    console.step(
        f"the Swarm has {count} node(s); `docker` speaks to it with DOCKER_HOST=unix://{lab.socket(lab.node(1))}"
    )
    return 0


def _make_images(by_dockerfile: bool) -> None:
    """All that the stack needs, in the builder."""
    tools.install()
    if by_dockerfile:
        whole.build_latest()
        return
    build.build((service.name for service in services.every_service()), release=False)
    images.build_stand_ins()
    images.pack_ours()


def deploy() -> int:
    """The stack, and one order through port 21081."""
    stack.deploy()
    console.step(f"order: {stack.order(what=stack.GUIDE_ORDER)}")
    return 0


def test(words: Sequence[str]) -> int:
    """`./dev test swarm [--nodes 1|3] [--repeat TIMES] [--whole]`; leaves nothing running."""
    parser = argparse.ArgumentParser(prog="./dev test swarm", allow_abbrev=False)
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--repeat", type=int, default=0, help="deploy from nothing so many times, in shuffled orders")
    parser.add_argument("--whole", action="store_true", help="our images by the whole deploy/Dockerfile")
    chosen = parser.parse_args(words)
    with lock.held(lab.cache() / "lock"):
        if lab.nodes():
            raise Trouble("the lab is up, and its stack may be in use: `./dev swarm down` first")
        try:
            up(chosen.nodes, chosen.whole)
            return repeat.test(chosen.repeat) if chosen.repeat else walk.test(chosen.nodes)
        finally:
            down()
