"""When the last build is current, and which toolchain is required."""

from pathlib import Path

import pytest

from devtools import build, console, layout
from devtools.console import CliError


@pytest.fixture
def workspace(root: Path) -> Path:
    """A workspace with one crate, as a successful build left it."""
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["service"]\n[workspace.package]\nrust-version = "1.94"\n')
    for name in ("src/main.rs", "tests/api.rs", "Cargo.toml"):
        path = root / "service" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[package]\nname = "service"\n')
    return root


@pytest.fixture
def _built(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cargo(_argv: object, env: object = None, output: object = None) -> None:
        assert env == {"CARGO_TARGET_DIR": str(layout.target_dir()), "SQLX_OFFLINE": "true"}
        assert output is None
        program = layout.target_dir() / "debug" / "service"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("program")

    monkeypatch.setattr(console, "must_run", cargo)
    assert workspace.exists()
    build.build(["service"], release=False)


@pytest.mark.usefixtures("_built")
def test_a_build_is_current_until_a_source_changes(workspace: Path) -> None:
    assert build.is_current(release=False)
    (workspace / "service" / "src" / "main.rs").write_text("changed")
    assert not build.is_current(release=False)


@pytest.mark.usefixtures("_built")
def test_a_new_file_makes_a_build_outdated(workspace: Path) -> None:
    (workspace / "service" / "build.rs").touch()
    assert not build.is_current(release=False)


@pytest.mark.usefixtures("_built")
def test_a_changed_test_does_not_make_a_build_outdated(workspace: Path) -> None:
    (workspace / "service" / "tests" / "api.rs").write_text("changed")
    assert build.is_current(release=False)


@pytest.mark.usefixtures("_built")
def test_a_build_is_not_current_for_another_profile_or_build_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not build.is_current(release=True)
    monkeypatch.setenv("CARGO_TARGET_DIR", "elsewhere")
    assert not build.is_current(release=False)


@pytest.mark.usefixtures("_built")
def test_a_damaged_record_means_outdated() -> None:
    (layout.STATE / "built-debug.json").write_text("{")
    assert not build.is_current(release=False)


@pytest.mark.usefixtures("_built")
def test_a_build_keeps_a_copy_of_the_program() -> None:
    kept = build.program("service", release=False)
    assert kept.read_text() == "program"
    (layout.target_dir() / "debug" / "service").write_text("a program of another checkout")
    assert kept.read_text() == "program"


@pytest.mark.usefixtures("_built")
def test_the_programs_of_another_checkout_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(console, "must_run", lambda argv, env: commands.append(argv) if env else None)
    build.cargo_environment()
    assert commands == []
    (layout.target_dir() / "checkout").write_text("another checkout")
    build.cargo_environment()
    build.cargo_environment()
    assert commands == [["cargo", "clean", "-p", "service"]]


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    program = tmp_path / "program"
    assert build.stamp(program) == "absent"
    program.write_text("1")
    first = build.stamp(program)
    program.write_text("22")
    assert build.stamp(program) != first


def test_versions_are_compared_by_their_numbers() -> None:
    assert build.numbers("1.100") > build.numbers("1.94") < build.numbers("1.94.1")


@pytest.mark.parametrize(
    ("version", "error"),
    [("cargo 1.94.0 (abc)", ""), ("cargo 1.93.9", "this is 1.93.9"), ("nonsense", "`cargo --version` failed")],
)
@pytest.mark.usefixtures("workspace")
def test_an_old_cargo_is_refused(version: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cargo = tmp_path / "cargo"
    cargo.write_text(f"#!/bin/sh\necho '{version}'\n")
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    if not error:
        build.require_toolchain()
        return
    with pytest.raises(CliError, match=error):
        build.require_toolchain()


@pytest.mark.usefixtures("workspace")
def test_a_missing_cargo_is_refused_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    with pytest.raises(CliError, match=r"Rust 1\.94 or newer is needed .*sh\.rustup\.rs"):
        build.require_toolchain()
