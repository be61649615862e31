"""Temporal's programs, built from the Go modules that its images are made of. Minutes; kept in the cache."""

import os
import subprocess
from pathlib import Path

from .. import console, tools
from ..console import Trouble
from . import lab

SERVER = "go.temporal.io/server@v1.30.4"
UI = "github.com/temporalio/ui-server/v2@v2.54.1"

# The program's name in the image, and the package of its module.
_PROGRAMS = {
    "temporal-server": (SERVER, "cmd/server"),
    "temporal-sql-tool": (SERVER, "cmd/tools/sql"),
    "ui-server": (UI, "cmd/server"),
}


def _folder() -> Path:
    return lab.cache() / "programs"


def _go(*words: str, **variables: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath", **variables}
    done = subprocess.run(
        ["nice", lab.go() or "go", *words], cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Trouble(f"`go {' '.join(words)}` failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def program(name: str) -> Path:
    """A program's path; builds it if it is not in the cache."""
    module, package = _PROGRAMS[name]
    path, version = module.split("@")
    built = _folder() / f"{name}-{version}"
    if not built.exists():
        console.step(f"building {name} {version} from its Go module")
        bin_folder = _folder() / "bin"
        _go("install", "-ldflags=-s -w", f"{path}/{package}@{version}", GOBIN=str(bin_folder))
        (bin_folder / Path(package).name).rename(built)
    return built


def module_folder(module: str) -> Path:
    """The folder of a module's sources, for what its image has besides the program."""
    path, version = module.split("@")
    _go("mod", "download", f"{path}@{version}")
    return Path(_go("env", "GOMODCACHE").strip()) / f"{path}@{version}"


def command_line() -> Path:
    """Temporal's own command line, the program behind the name that the tools folder has."""
    found = Path(tools.require("temporal")).resolve()
    with open(found, "rb") as opened:
        if opened.read(4) == b"\x7fELF":
            return found
    candidates = [path for path in found.parent.parent.rglob("temporal") if path.stat().st_size > 10_000_000]
    if not candidates:
        raise Trouble(f"{found} is not a program, and there is none behind it")
    return candidates[0]
