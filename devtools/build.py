"""Check the Rust toolchain, and build the services when something changed."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from devtools import console, layout, lock
from devtools.console import CliError

_NOT_IN_BINARIES = {"tests", "benches", "examples", "target"}


def cargo_environment() -> dict[str, str]:
    """Variables for every cargo run: one build directory, and no database needed to compile."""
    with lock.held(layout.target_dir() / "lock"):
        return _claim_target()


def _claim_target() -> dict[str, str]:
    """Make the build directory safe for this checkout.

    Cargo compares only the modification times of the sources, so it would treat another checkout's programs as current.
    """
    variables = {"CARGO_TARGET_DIR": str(layout.target_dir()), "SQLX_OFFLINE": "true"}
    owner = layout.target_dir() / "checkout"
    if owner.exists() and owner.read_text() == str(layout.ROOT):
        return variables
    if any((layout.target_dir() / profile_folder(release)).exists() for release in (False, True)):
        console.step("another checkout used the build directory: removing its programs, keeping the libraries")
        packages = [option for folder in _members() for option in ("-p", _package(folder))]
        console.must_run(["cargo", "clean", *packages], env=variables)
    owner.parent.mkdir(parents=True, exist_ok=True)
    owner.write_text(str(layout.ROOT))
    return variables


def profile_folder(release: bool) -> str:
    """The folder in which cargo puts the binaries of a profile."""
    return "release" if release else "debug"


def program(name: str, release: bool) -> Path:
    """A program of the last build. It is a copy, because another checkout may build in cargo's folder."""
    return layout.STATE / "bin" / profile_folder(release) / name


def stamp(binary: Path) -> str:
    """A string that changes whenever cargo writes the binary."""
    try:
        found = binary.stat()
    except OSError:
        return "absent"
    return f"{found.st_mtime_ns}-{found.st_size}"


def _workspace() -> dict[str, Any]:
    manifest = tomllib.loads((layout.ROOT / "Cargo.toml").read_text())
    workspace: dict[str, Any] = manifest["workspace"]
    return workspace


def _members() -> list[Path]:
    return [folder for member in _workspace()["members"] for folder in layout.ROOT.glob(member)]


def _package(member: Path) -> str:
    return str(tomllib.loads((member / "Cargo.toml").read_text())["package"]["name"])


def require_toolchain() -> None:
    """Find cargo on PATH or in its default folder. Raise a one-line CLI error if it is missing or too old."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin"
    if not shutil.which("cargo") and (home / "cargo").exists():
        os.environ["PATH"] = f"{home}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    wanted: str = _workspace()["package"]["rust-version"]
    if not shutil.which("cargo"):
        install = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
        raise CliError(f"Rust {wanted} or newer is needed and `cargo` was not found; install it with: {install}")
    answer = subprocess.run(["cargo", "--version"], cwd=layout.ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"cargo (\d+(?:\.\d+)*)", answer.stdout)
    if not found:
        raise CliError(f"`cargo --version` failed: {answer.stderr.strip()[:200]}")
    if numbers(found[1]) < numbers(wanted):
        raise CliError(f"Rust {wanted} or newer is needed, this is {found[1]}; update it with: rustup update stable")


def numbers(version: str) -> list[int]:
    """The parts of a version as numbers, because 1.100 is newer than 1.94."""
    return [int(part) for part in version.split(".")]


def _sources() -> Iterator[Path]:
    """All files from which the binaries are made."""
    for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml"):
        yield layout.ROOT / name
    for member in _members():
        for base, folders, files in os.walk(member):
            folders[:] = sorted(set(folders) - _NOT_IN_BINARIES)
            yield from (Path(base, file) for file in sorted(files))


def _fingerprint() -> str:
    """A hash of the names and contents of all sources."""
    total = hashlib.sha256()
    for path in _sources():
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(layout.ROOT)} {content}\n".encode())
    return total.hexdigest()


def _built_file(release: bool) -> Path:
    return layout.STATE / f"built-{profile_folder(release)}.json"


def is_current(release: bool) -> bool:
    """Whether the last successful build used the current sources and the current build directory."""
    try:
        built = json.loads(_built_file(release).read_text())
    except (OSError, ValueError):
        return False
    return bool(built == {"sources": _fingerprint(), "target": str(layout.target_dir())})


def build(names: Iterable[str], release: bool) -> None:
    """Build these programs and copy them. The output of cargo is shown."""
    sources, programs = _fingerprint(), list(names)
    # With --workspace, programs and tests have the same features. Otherwise each would rebuild what the other built.
    chosen = [word for name in programs for word in ("--bin", name)]
    command = ["cargo", "build", "--workspace", *chosen, *(["--release"] if release else [])]
    console.step(f"building: {' '.join(command)}")
    with lock.held(layout.target_dir() / "lock"):
        console.must_run(command, env=_claim_target())
        for name in programs:
            _copy_program(name, release)
    layout.STATE.mkdir(exist_ok=True)
    built = {"sources": sources, "target": str(layout.target_dir())}
    _built_file(release).write_text(json.dumps(built) + "\n")
    console.step("build finished")


def _copy_program(name: str, release: bool) -> None:
    built, kept = layout.target_dir() / profile_folder(release) / name, program(name, release)
    if stamp(built) == stamp(kept):
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".new")
    shutil.copy2(built, unfinished)
    unfinished.replace(kept)
