"""Tests of compose.yaml, and of the checks that start it. Nothing here needs a Docker daemon."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools import layout, lint_tools
from devtools.console import CliError
from lab import compose, nxdomain


def _config(file: str) -> tuple[dict[str, Any], str]:
    """What Docker Compose reads from a file, and its warnings."""
    command = [str(lint_tools.python_tool("docker-compose")), "-f", file, "config", "--format", "json"]
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(command, cwd=layout.ROOT, env=clean, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr


def test_the_compose_file_is_valid_without_a_warning() -> None:
    assert _config("compose.yaml")[1] == ""


def test_compose_has_the_services_and_the_images_of_the_stack() -> None:
    ours, stack = (_config(file)[0]["services"] for file in ("compose.yaml", "docker-stack.dev.yml"))
    assert ours.keys() == stack.keys()
    for name, service in ours.items():
        assert service.get("image") == (None if "build" in service else stack[name]["image"])
        assert service.get("environment") == stack[name].get("environment")


def test_compose_publishes_every_port_of_the_guide_to_this_machine_only() -> None:
    ports = [port for service in _config("compose.yaml")[0]["services"].values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert sorted(int(port["published"]) for port in ports) == compose.PORTS


def test_the_readme_has_the_command_of_the_walk() -> None:
    command = compose.readme_order((layout.ROOT / "README.md").read_text())
    assert "http://localhost:21081/api/temporal/orders" in command
    assert command.endswith("'")


def test_the_command_of_a_readme_may_have_several_lines() -> None:
    assert compose.readme_order("a\ncurl -X POST x \\\n  -d 'y'\nb") == "curl -X POST x \\\n  -d 'y'"
    with pytest.raises(CliError):
        compose.readme_order("curl x")


def test_the_copy_has_changed_and_new_files_but_no_ignored_or_deleted_ones(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in ("changed", "deleted"):
        (source / name).write_text("old")
    (source / ".gitignore").write_text("ignored\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(source), *command], check=True)
    (source / "changed").write_text("new")
    (source / "deleted").unlink()
    (source / "ignored").write_text("")
    (source / "folder").mkdir()
    (source / "folder" / "added").write_text("")
    compose.copy_work_tree(source, target)
    copied = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert copied == {".gitignore", "changed", "folder/added"}
    assert (target / "changed").read_text() == "new"


@pytest.mark.parametrize(
    ("name", "internal"),
    [("mysql", True), ("_grpc_config.temporal", True), ("deb.debian.org", False), ("index.crates.io", False)],
)
def test_the_dns_server_forwards_only_the_names_of_other_machines(name: str, internal: bool) -> None:
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    assert nxdomain.is_internal(bytes(12) + question + b"\0\0\1\0\1") == internal
