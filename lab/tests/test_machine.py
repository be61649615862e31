"""What the lab needs, its DNS server, and the virtual machine."""

import os
import shutil
import struct

import pytest

from devtools import tools
from devtools.console import CliError
from lab import commands, nxdomain, requirements
from lab.vm import kernel, machine


@pytest.mark.parametrize(
    ("text", "version"), [("go version go1.26.2 linux/amd64", (1, 26)), ("go version go1.9", (1, 9)), ("", ())]
)
def test_the_go_version_is_compared_by_numbers(text: str, version: tuple[int, ...]) -> None:
    assert requirements.go_version(text) == version


def test_a_user_who_is_not_root_cannot_run_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert requirements.missing() == "this user is not root"
    with pytest.raises(CliError, match="but this user is not root"):
        requirements.require()


def test_go_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert tools.find_go() is None


def test_the_dns_server_knows_no_name() -> None:
    question = b"\x05mysql\x00\x00\x01\x00\x01"
    query = b"\x12\x34" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 1) + question + b"an additional record"
    answer = nxdomain.answer(query)
    assert answer[:2] == b"\x12\x34"
    assert struct.unpack("!HHHHH", answer[2:12]) == (0x8183, 1, 0, 0, 0)
    assert answer[12:] == question


def test_a_broken_query_is_answered_without_a_crash() -> None:
    assert nxdomain.answer(b"\x12\x34")[:2] == b"\x12\x34"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("WALK [    5 s] all services", "[    5 s] all services"),
        ("\x1b[0mWALK finished", "finished"),
        ("[3 s] mysql 1/1", ""),
        ("", ""),
    ],
)
def test_only_lines_of_the_walk_are_shown(line: str, message: str) -> None:
    assert machine.walk_message(line) == message


def test_only_options_decide_whether_a_kernel_is_current() -> None:
    config = "# A comment.\nCONFIG_A=y\n# CONFIG_B is not set\n"
    assert kernel.options(config) == kernel.options(config.replace("A comment", "Another")) != kernel.options("")


def test_a_dropped_option_is_found() -> None:
    assert kernel.missing_options("CONFIG_A=y\nCONFIG_B=y\n", "CONFIG_B=y\n# CONFIG_A is not set\n") == ["CONFIG_A=y"]


@pytest.mark.parametrize("words", [["nonsense"], ["up", "--nodes", "2"], []])
def test_wrong_arguments_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        commands.swarm(words)
    assert refused.value.code == 2


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.swarm(["help"]) == 0
    shown = capsys.readouterr().out
    for command in ("up", "deploy", "status", "images", "run", "vm", "down"):
        assert f"\n  {command} " in shown
