"""Starting and stopping background processes, with real ones."""

import time
from pathlib import Path

import pytest

from devtools import background, console, layout, records

pytestmark = pytest.mark.usefixtures("root")


def _wait_for_log(name: str, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in console.last_lines(layout.log_file(name)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_is_recorded_and_stopped() -> None:
    record = background.start("sleeper", ["sleep", "60"], {}, {"binary": "sleep"})
    assert records.running("sleeper") == record
    assert record.notes == {"binary": "sleep"}
    assert background.stop({"sleeper": 10, "never started": 10})["sleeper"].startswith("stopped in")
    assert records.running("sleeper") is records.last("sleeper") is None


def test_a_process_and_its_children_are_killed_after_the_grace() -> None:
    script = "trap '' TERM; sleep 60 & echo ready; wait; wait"
    record = background.start("stubborn", ["bash", "-c", script], {}, {})
    _wait_for_log("stubborn", "ready")
    assert background.stop({"stubborn": 0.2}) == {"stubborn": "killed: it did not stop within 0 s"}
    assert not record.alive()
    assert background._session_members(record.pid) == []


def test_a_log_is_appended_and_its_new_part_is_known() -> None:
    layout.LOGS.mkdir(parents=True)
    layout.log_file("echo").write_text("old\n")
    record = background.start("echo", ["sh", "-c", "echo $WORD"], {"WORD": "new"}, {})
    _wait_for_log("echo", "new")
    assert layout.log_file("echo").read_text() == "old\nnew\n"
    assert console.last_lines(layout.log_file("echo"), record.log_offset) == ["new"]


def test_a_long_log_is_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LOG_LIMIT", 3)
    layout.LOGS.mkdir(parents=True)
    layout.log_file("true").write_text("long")
    assert background.start("true", ["true"], {}, {}).log_offset == 0
    assert Path(layout.LOGS, "true.log.1").read_text() == "long"
