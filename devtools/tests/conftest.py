"""Fixtures for all tests."""

from pathlib import Path

import pytest

from devtools import layout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, whose state and cache are also temporary."""
    folder = tmp_path / "repository"
    folder.mkdir()
    state = folder / ".dev"
    for name, value in (("ROOT", folder), ("STATE", state), ("LOGS", state / "logs"), ("RUN", state / "run")):
        monkeypatch.setattr(layout, name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    return folder
