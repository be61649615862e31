"""Output, and commands that run in the foreground."""

from pathlib import Path

import pytest

from devtools import console
from devtools.console import CliError


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1 min 0 s"), (125, "2 min 5 s")]
)
def test_a_duration_is_written_in_seconds_or_minutes(seconds: float, text: str) -> None:
    assert console.elapsed(seconds) == text


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert console.last_lines(log) == []
    log.write_text("".join(f"{number}\n" for number in range(30)))
    assert console.last_lines(log) == [str(number) for number in range(10, 30)]
    assert console.last_lines(log, offset=log.stat().st_size - 6) == ["28", "29"]
    assert console.last_lines(log, count=1) == ["29"]


@pytest.mark.usefixtures("root")
def test_a_command_runs_in_the_repository_with_its_environment(tmp_path: Path) -> None:
    output = tmp_path / "output"
    assert console.run(["sh", "-c", "pwd; echo $WORD >&2; exit 3"], env={"WORD": "word"}, output=output) == 3
    assert output.read_text() == f"{tmp_path / 'repository'}\nword\n"


@pytest.mark.usefixtures("root")
def test_a_command_that_must_run_reports_its_exit_code_and_log(tmp_path: Path) -> None:
    console.must_run(["true"])
    with pytest.raises(CliError, match=r"`sh -c 'exit 3'` failed with exit code 3; see .*/output"):
        console.must_run(["sh", "-c", "exit 3"], output=tmp_path / "output")
    with pytest.raises(CliError, match="`no-such-program` was not found"):
        console.must_run(["no-such-program"])
