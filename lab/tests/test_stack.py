"""The stack: its files, its replicas, and the answers to orders."""

import subprocess
import time
from pathlib import Path

import pytest

from devtools import layout
from devtools.console import CliError
from lab import nodes, orders, scripts, settings, stack


@pytest.mark.parametrize(
    ("replicas", "complete"),
    [("2/2", True), ("1/2", False), ("0/0", True), ("0/1 (1/1 completed)", True), ("0/1 (0/1 completed)", False)],
)
def test_a_service_is_complete_when_all_replicas_run(replicas: str, complete: bool) -> None:
    assert stack.is_complete(replicas) == complete


@pytest.mark.parametrize(
    ("running", "names"),
    [
        ([1], ["docker-stack.dev.yml", "docker-stack.stage.yml", "docker-stack.lab.yml"]),
        ([1, 2], ["docker-stack.dev.yml", "docker-stack.nodes.yml", "docker-stack.stage.yml", "docker-stack.lab.yml"]),
    ],
)
def test_the_override_of_the_lab_is_the_last_file(
    running: list[int], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "running", lambda: running)
    words = stack.files(stack.variant("stage"))
    assert words[::2] == ["-c"] * len(names)
    assert [Path(word).name for word in words[1::2]] == names
    assert all(Path(word).exists() for word in words[1::2])


def test_every_file_that_the_lab_names_exists() -> None:
    paths = [settings.STACK_FILE, settings.OVERRIDE, Path(settings.FAST_UPDATE), settings.FOLDER / "nxdomain.py"]
    assert all(path.exists() for path in paths)
    assert settings.FOLDER.parent == layout.ROOT


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"status":"CONFIRMED"}', {"status": "CONFIRMED"}),
        ("<html>", {"success": False, "answer": "<html>"}),
        ("[]", {"success": False, "answer": "[]"}),
    ],
)
def test_an_answer_that_is_no_object_is_a_failure(text: str, answer: orders.Answer) -> None:
    assert orders.parse(text) == answer


def test_load_reports_a_failed_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"status": "CANCELLED"}]
    monkeypatch.setattr(orders, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(orders, "place", lambda: answers.pop() if answers else {"status": "CONFIRMED"})
    load = orders.Load()
    with pytest.raises(CliError, match=r"1 of \d+ orders failed: {'status': 'CANCELLED'}"), load:
        while not load.confirmed:
            time.sleep(0.001)


def _done(code: int, stderr: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, "", stderr)


def test_a_refusal_is_one_line_with_the_reason() -> None:
    assert scripts.refused(_done(1, "deploy: no Swarm\n"), "no Swarm") == "deploy: no Swarm"


@pytest.mark.parametrize(
    "done", [_done(0, "no Swarm"), _done(1, "no Swarm\nmore"), _done(1, "another reason"), _done(1, "")]
)
def test_anything_else_is_not_a_refusal(done: subprocess.CompletedProcess[str]) -> None:
    with pytest.raises(CliError, match="expected one line with 'no Swarm'"):
        scripts.refused(done, "no Swarm")


def test_the_line_with_a_text_is_found() -> None:
    assert scripts.line_with("b", " a\n  b c \n") == "b c"
    assert scripts.line_with("x", "a\n") == ""
