"""Locks between two commands."""

import fcntl
import os
from pathlib import Path

import pytest

from devtools import lock


def test_a_held_lock_names_its_process_and_excludes_others(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with lock.held(path), path.open() as other:
        assert path.read_text() == str(os.getpid())
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open() as other:
        assert other.read() == ""
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
