"""What `./dev lint` looks at."""

from pathlib import Path

import pytest

from devtools import layout, lint, tools


def test_shell_scripts_are_found_by_ending_and_by_first_line(tmp_path: Path) -> None:
    files = {
        "a.sh": "# sourced",
        ".ci/run": "#!/usr/bin/env bash\n",
        "hooks/commit-msg": "#!/bin/sh\n",
        "dev": "#!/usr/bin/env python3\n",
        "a.py": "#!/bin/bash\n",
        "target/built.sh": "",
        "text": "bash",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = {str(path.relative_to(tmp_path)) for path in lint.shell_scripts(tmp_path)}
    assert found == {"a.sh", ".ci/run", "hooks/commit-msg"}


def test_the_scripts_of_this_repository_are_found() -> None:
    found = {str(path.relative_to(layout.ROOT)) for path in lint.shell_scripts(layout.ROOT)}
    assert {".ci/run", "deploy/common.sh", "deploy/deploy.sh", "lab/vm/walk.sh"} <= found
    assert "dev" not in found


def test_faults_are_printed_and_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint._report(list) == 0
    assert lint._report(lambda: ["one", "two"]) == 1
    assert capsys.readouterr().out == "one\ntwo\n"


def test_a_failed_check_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint._passes(lint.Check("good", lambda: 0))
    assert not lint._passes(lint.Check("bad", lambda: 1))
    shown = capsys.readouterr().out
    assert "lint: good ok in" in shown
    assert "lint: bad FAILED in" in shown


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_workflows_are_left_out_without_go_except_in_ci(ci: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find_go", lambda: None)
    monkeypatch.setenv("CI", ci)
    assert lint._workflows() == code
