"""The length of commit subjects."""

import subprocess
from pathlib import Path

import pytest

from devtools import commits, layout

_LONG = "x" * 71
_AUTHOR = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *_AUTHOR, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _commit(folder: Path, subject: str) -> str:
    _git(folder, "commit", "--allow-empty", "-m", subject)
    return _git(folder, "rev-parse", "HEAD")


@pytest.fixture
def history(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose baseline has a long subject."""
    _git(root, "init", "--quiet")
    monkeypatch.setattr(commits, "BASELINE", _commit(root, f"Old {_LONG}"))
    return root


def test_a_subject_has_at_most_70_characters() -> None:
    assert commits.too_long(f"1234567 {'ä' * 70}\n") == []
    (fault,) = commits.too_long(f"1234567 {_LONG}\n")
    assert fault.startswith("1234567: the subject has 71 characters, at most 70 are allowed")


def test_the_test_merge_of_a_pull_request_is_allowed() -> None:
    assert commits.too_long(f"1234567 Merge {'a' * 40} into {'b' * 40}\n") == []


def test_only_commits_after_the_baseline_are_checked(history: Path) -> None:
    _commit(history, "Short")
    assert commits.faults() == []
    _commit(history, _LONG)
    assert len(commits.faults()) == 1


def test_a_shallow_clone_is_checked(history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _commit(history, "Short")
    clone = tmp_path / "clone"
    _git(history, "clone", "--quiet", "--depth", "1", f"file://{history}", str(clone))
    monkeypatch.setattr(layout, "ROOT", clone)
    assert commits.faults() == []
    _commit(clone, _LONG)
    assert len(commits.faults()) == 1


def test_without_the_baseline_nothing_is_checked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commits.faults() == []
    _git(root, "init", "--quiet")
    _commit(root, _LONG)
    assert commits.faults() == []
    monkeypatch.setenv("PATH", str(root))
    assert commits.faults() == []
