"""`./dev test compose`, also a part of `./dev test long`: compose.yaml with real Docker Compose, in the lab."""

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from devtools import build, console, interrupts, layout, lint_tools, lock, tools
from devtools import services as product
from devtools.console import CliError
from lab import daemons, docker, internet, nodes, orders, requirements, settings, walk
from lab.execute import capture
from lab.images import full_build, names, services, substitutes, transfer

_PROJECT = "order-saga"
_DAEMON = "osaga-compose"
_IN_NAMESPACE = ["nsenter", f"--net=/run/netns/{_DAEMON}"]
_REVISION = "0123456789abcdef"
_JOBS = {"temporal-schema", "temporal-namespace"}
# A page of each published HTTP port, and all published ports.
_PAGES = {**dict.fromkeys(range(21081, 21085), "actuator/health"), 21088: ""}
PORTS = sorted([*_PAGES, 21306, 21379, 21432, 21733])


def test(words: Sequence[str]) -> int:
    """Run `./dev test compose`. It leaves nothing running."""
    parser = argparse.ArgumentParser(prog="./dev test compose", allow_abbrev=False)
    parser.add_argument("--no-build", action="store_true", help="use the programs that cargo has built")
    chosen = parser.parse_args(words)
    requirements.require()
    internet.require()
    lint_tools.install_python()
    tools.install()
    with lock.held(settings.cache() / "lock"):
        try:
            images = _programs() if chosen.no_build else _bases()
            with _daemon(images), tempfile.TemporaryDirectory(prefix=f"{_PROJECT}-") as folder:
                copy_work_tree(layout.ROOT, Path(folder))
                return _run(Project(Path(folder), build_images=not chosen.no_build))
        finally:
            with interrupts.ignored():
                daemons.stop_helper("builder")


def _bases() -> list[str]:
    """The images from which Docker Compose builds ours, and those of the other servers."""
    full_build.build_bases()
    return [*names.SUBSTITUTES, "debian:bookworm-slim", full_build.RUST]


def _programs() -> list[str]:
    """Our images, made from the programs that cargo has built, and those of the other servers."""
    build.build((service.name for service in product.every_service()), release=False)
    substitutes.build()
    services.build_from_programs()
    return names.stack()


@contextmanager
def _daemon(images: list[str]) -> Iterator[None]:
    """A Docker daemon with these images. It can reach the package servers, and it leaves nothing behind."""
    _remove_daemon()
    with internet.namespace(_DAEMON):
        try:
            options = [*daemons.options(_DAEMON, "order-saga-compose", 1024), f"--dns={internet.ADDRESS}"]
            variables = nodes.variables("compose", internet.ADDRESS, internet.DNS)
            daemons.spawn(_DAEMON, [*nodes.dockerd(_DAEMON), *options], variables)
            transfer.load(_DAEMON, images)
            yield
        finally:
            with interrupts.ignored():
                _remove_daemon()


def _remove_daemon() -> None:
    daemons.stop(_DAEMON)
    daemons.remove_files(_DAEMON)


def copy_work_tree(source: Path, target: Path) -> None:
    """Copy what a clone would contain after the next commit: the tracked files and the new ones, as they are now."""
    listed = capture(["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    if listed.returncode:
        raise CliError(f"git does not list the files of {source}: {listed.stderr.strip()}")
    for name in filter(None, listed.stdout.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def readme_order(readme: str) -> str:
    """The command of README.md that places an order."""
    found = re.search(r"^curl -X POST (?:.*\\\n)*.*$", readme, re.MULTILINE)
    if not found:
        raise CliError("README.md contains no `curl -X POST`")
    return found[0]


def _run(project: "Project") -> int:
    """Run the checks until one fails. The last line sums them up."""
    checks = project.checks()
    passed = len(list(takewhile(walk.passes, checks)))
    failed = passed < len(checks)
    console.say(f"compose: {passed} passed, {int(failed)} failed")
    return int(failed)


class Project:
    """A copy of the work tree that Docker Compose starts, as a user with a new clone does."""

    def __init__(self, folder: Path, build_images: bool) -> None:
        self._folder = folder
        self._build_images = build_images
        self._log = settings.logs() / "compose.log"
        self._containers: set[str] = set()

    def checks(self) -> list[walk.Check]:
        """All checks. Each one needs those before it."""
        revision = [self.revision] if self._build_images else []
        return [self.up, self.healthy, self.order, self.ports, *revision, self.migrate, self.up_again, self.down]

    def up(self) -> str:
        """`docker compose up --build --wait` starts everything."""
        if not self._build_images:
            for service, image in zip(settings.SERVICES, names.services(), strict=True):
                docker.run(_DAEMON, "tag", image, f"{_PROJECT}-{service}")
        build_option = "--build" if self._build_images else "--no-build"
        command = self._command("up", build_option, "--wait", "--wait-timeout", "600")
        if console.run(command, env=self._environment(), output=self._log):
            end = "\n".join(console.last_lines(self._log))
            raise CliError(f"the command failed; the end of {self._log}:\n{end}")
        self._containers = {container["ID"] for container in self._ps()}
        return "" if self._build_images else "with --no-build, and with the programs that cargo has built"

    def healthy(self) -> str:
        """Every service is healthy or has no health check, and both jobs have succeeded."""
        found = {container["Service"]: container for container in self._ps()}
        faults = {name: container["Status"] for name, container in found.items() if not _as_expected(container)}
        if faults or not {*settings.SERVICES, *_JOBS} <= found.keys():
            raise CliError(f"{len(found)} containers, and these are wrong: {faults}")
        return ", ".join(sorted(found))

    def order(self) -> str:
        """The curl command of README.md is answered with CONFIRMED."""
        command = readme_order((self._folder / "README.md").read_text())
        answer = orders.parse(capture([*_IN_NAMESPACE, "bash", "-c", command], timeout=60).stdout)
        if answer.get("status") != "CONFIRMED":
            raise CliError(json.dumps(answer))
        return json.dumps(answer)

    def ports(self) -> str:
        """Every port answers on localhost, and on no other address."""
        for port, page in _PAGES.items():
            if (status := _http_status(f"http://localhost:{port}/{page}")) != "200":
                raise CliError(f"http://localhost:{port}/{page} has the status {status}")
        for port in PORTS:
            if not _connects("localhost", port):
                raise CliError(f"port {port} does not accept a connection on localhost")
            if _connects(internet.ADDRESS, port):
                raise CliError(f"port {port} accepts a connection from another machine")
        return ", ".join(map(str, PORTS))

    def revision(self) -> str:
        """`/actuator/info` of all services shows the revision of the build."""
        urls = [f"http://localhost:{port}/actuator/info" for port, page in _PAGES.items() if page]
        for url in urls:
            answer = capture([*_IN_NAMESPACE, "curl", "-sS", "--max-time", "30", url]).stdout
            if f'"revision":"{_REVISION}"' not in answer:
                raise CliError(f"{url} answers {answer}")
        return _REVISION

    def migrate(self) -> str:
        """`docker compose run --rm service-order migrate` succeeds (docs/operations.md)."""
        self._compose("run", "--rm", "service-order", "migrate")
        return ""

    def up_again(self) -> str:
        """A second `docker compose up --wait` replaces no container, and orders still work."""
        self._compose("up", "--wait", "--wait-timeout", "600")
        after = {container["ID"] for container in self._ps()}
        if after != self._containers:
            raise CliError(f"the containers were {self._containers} and are {after}")
        return self.order()

    def down(self) -> str:
        """`docker compose down -v` leaves no container, volume or network."""
        self._compose("down", "-v")
        label = f"label=com.docker.compose.project={_PROJECT}"
        for words in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"]):
            if left := docker.run(_DAEMON, *words, "--filter", label):
                raise CliError(f"`docker {' '.join(words)}` still lists {left}")
        return ""

    def _command(self, *words: str) -> list[str]:
        return ["env", f"--chdir={self._folder}", "docker", "compose", *words]

    def _environment(self) -> dict[str, str]:
        """Build one image at a time: parallel builds with the classic builder would each compile all programs."""
        plugins = settings.cache() / "docker-config" / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        plugin = plugins / "docker-compose"
        plugin.unlink(missing_ok=True)
        plugin.symlink_to(lint_tools.python_tool("docker-compose"))
        variables = {"DOCKER_CONFIG": str(plugins.parent), "COMPOSE_PARALLEL_LIMIT": "1", "REVISION": _REVISION}
        return {**docker.environment(_DAEMON), **variables, "ORCHESTRATOR_PORT": ""}

    def _compose(self, *words: str) -> str:
        done = capture(self._command(*words), self._environment(), timeout=900)
        if done.returncode:
            raise CliError(f"`docker compose {' '.join(words)}` failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def _ps(self) -> list[dict[str, Any]]:
        """All containers of the project, as `docker compose ps` describes them."""
        return [json.loads(line) for line in self._compose("ps", "--all", "--format", "json").splitlines()]


def _as_expected(container: dict[str, Any]) -> bool:
    if container["Service"] in _JOBS:
        return (container["State"], container["ExitCode"]) == ("exited", 0)
    return (container["State"], container["Health"]) in (("running", "healthy"), ("running", ""))


def _http_status(url: str) -> str:
    curl = ["curl", "-sS", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}", url]
    return capture([*_IN_NAMESPACE, *curl]).stdout


def _connects(host: str, port: int) -> bool:
    """Whether a TCP connection succeeds, from inside the namespace."""
    return capture([*_IN_NAMESPACE, "timeout", "5", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"]).returncode == 0
