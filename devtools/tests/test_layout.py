"""Folders, and the table of `./dev status`."""

from pathlib import Path

import pytest

from devtools import layout, status


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert layout.tools_dir() == Path("cache/order-saga/tools")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert layout.cache_dir() == Path.home() / ".cache" / "order-saga"


def test_a_relative_build_directory_is_in_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert layout.target_dir() == layout.cache_dir() / "target"
    monkeypatch.setenv("CARGO_TARGET_DIR", "target")
    assert layout.target_dir() == root / "target"
    monkeypatch.setenv("CARGO_TARGET_DIR", "/elsewhere")
    assert layout.target_dir() == Path("/elsewhere")


def test_a_table_has_aligned_columns() -> None:
    rows = [("process", "port", "state"), ("redis", "21379", "UP"), ("x", "1", "DOWN (no answer)")]
    assert status.table(rows) == ["process  port   state", "redis    21379  UP", "x        1      DOWN (no answer)"]
