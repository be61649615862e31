"""The Rust toolchain, and building the services only when something changed."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import console, layout, lock
from .console import Trouble

_NOT_IN_BINARIES = {"tests", "benches", "examples", "target"}


def cargo_environment() -> dict[str, str]:
    """Variables for every cargo run: one build directory, and no database needed to compile."""
    with lock.held(layout.target_dir() / "lock"):
        return _take_over_target()


def _take_over_target() -> dict[str, str]:
    """Cargo knows a changed source by its time alone, and would take what another checkout left here for ours."""
    variables = {"CARGO_TARGET_DIR": str(layout.target_dir()), "SQLX_OFFLINE": "true"}
    owner = layout.target_dir() / "checkout"
    if owner.exists() and owner.read_text() == str(layout.ROOT):
        return variables
    if any((layout.target_dir() / profile_folder(release)).exists() for release in (False, True)):
        console.step("the build directory was another checkout's: its programs go, its libraries are kept")
        packages = [option for folder in _members() for option in ("-p", _package(folder))]
        console.must_run(["cargo", "clean", *packages], env=variables)
    owner.parent.mkdir(parents=True, exist_ok=True)
    owner.write_text(str(layout.ROOT))
    return variables


def profile_folder(release: bool) -> str:
    """The folder in which cargo puts a profile's binaries."""
    return "release" if release else "debug"


def program(name: str, release: bool) -> Path:
    """A program of the last build. What runs is a copy of what cargo made: another checkout may build in the same folder."""
    return layout.STATE / "bin" / profile_folder(release) / name


def stamp(binary: Path) -> str:
    """Changes whenever cargo writes the binary anew."""
    try:
        found = binary.stat()
    except OSError:
        return "absent"
    return f"{found.st_mtime_ns}-{found.st_size}"


def _workspace() -> dict:
    return tomllib.loads((layout.ROOT / "Cargo.toml").read_text())["workspace"]


def _members() -> list[Path]:
    return [folder for member in _workspace()["members"] for folder in layout.ROOT.glob(member)]


def _package(member: Path) -> str:
    return tomllib.loads((member / "Cargo.toml").read_text())["package"]["name"]


def require_toolchain() -> None:
    """Trouble, in one line, unless a new enough cargo is there."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin"
    if not shutil.which("cargo") and (home / "cargo").exists():
        os.environ["PATH"] = f"{home}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    wanted = _workspace()["package"]["rust-version"]
    if not shutil.which("cargo"):
        install = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
        raise Trouble(f"Rust {wanted} or newer is needed and `cargo` was not found; install it with: {install}")
    asked = subprocess.run(["cargo", "--version"], cwd=layout.ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"cargo (\d+(?:\.\d+)*)", asked.stdout)
    if not found:
        raise Trouble(f"`cargo --version` failed: {asked.stderr.strip()[:200]}")
    if _numbers(found[1]) < _numbers(wanted):
        raise Trouble(f"Rust {wanted} or newer is needed, this is {found[1]}; update it with: rustup update stable")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _sources() -> Iterator[Path]:
    """Files that binaries are made from."""
    for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml"):
        yield layout.ROOT / name
    for member in _members():
        for base, folders, files in os.walk(member):
            folders[:] = sorted(set(folders) - _NOT_IN_BINARIES)
            yield from (Path(base, file) for file in sorted(files))


def _fingerprint() -> str:
    """Changes with any source's name or content."""
    total = hashlib.sha256()
    for path in _sources():
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(layout.ROOT)} {content}\n".encode())
    return total.hexdigest()


def _built_file(release: bool) -> Path:
    return layout.STATE / f"built-{profile_folder(release)}.json"


def is_current(release: bool) -> bool:
    """Whether the sources and the build directory are those of the last build that succeeded."""
    try:
        built = json.loads(_built_file(release).read_text())
    except (OSError, ValueError):
        return False
    return built == {"sources": _fingerprint(), "target": str(layout.target_dir())}


def build(names: Iterable[str], release: bool) -> None:
    """Build these programs, with cargo's own output."""
    sources, programs = _fingerprint(), list(names)
    # --workspace: with the features that the tests build them with, or else each would build all anew.
    chosen = [word for program in programs for word in ("--bin", program)]
    command = ["cargo", "build", "--workspace", *chosen, *(["--release"] if release else [])]
    console.step(f"building: {' '.join(command)}")
    with lock.held(layout.target_dir() / "lock"):
        console.must_run(command, env=_take_over_target())
        for program_name in programs:
            _keep(program_name, release)
    layout.STATE.mkdir(exist_ok=True)
    built = {"sources": sources, "target": str(layout.target_dir())}
    _built_file(release).write_text(json.dumps(built) + "\n")
    console.step("build finished")


def _keep(name: str, release: bool) -> None:
    built, kept = layout.target_dir() / profile_folder(release) / name, program(name, release)
    if stamp(built) == stamp(kept):
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".new")
    shutil.copy2(built, unfinished)
    unfinished.replace(kept)
