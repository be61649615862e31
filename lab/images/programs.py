"""Temporal's programs, built from the same Go modules as the official images. This takes minutes, so they are kept."""

import os
import subprocess
from pathlib import Path

from devtools import console, tools
from devtools.console import CliError
from lab import settings

SERVER = "go.temporal.io/server@v1.30.4"
UI = "github.com/temporalio/ui-server/v2@v2.54.1"

# The name of a program in its image, its module, and its package in that module.
_PROGRAMS = {
    "temporal-server": (SERVER, "cmd/server"),
    "temporal-sql-tool": (SERVER, "cmd/tools/sql"),
    "ui-server": (UI, "cmd/server"),
}
# The real command is larger than this; a script that starts it is smaller.
_SMALLEST_PROGRAM = 10_000_000


def _folder() -> Path:
    return settings.cache() / "programs"


def _go(*words: str, **variables: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath", **variables}
    command = ["nice", tools.find_go() or "go", *words]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CliError(f"`go {' '.join(words)}` failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def program(name: str) -> Path:
    """The path of a program; builds it if it is not in the cache."""
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
    """The folder with the sources of a module; images also contain some files from there."""
    path, version = module.split("@")
    _go("mod", "download", f"{path}@{version}")
    return Path(_go("env", "GOMODCACHE").strip()) / f"{path}@{version}"


def command_line() -> Path:
    """Temporal's command line program. The name on PATH may be a script that starts it."""
    found = Path(tools.require("temporal")).resolve()
    with found.open("rb") as opened:
        if opened.read(4) == b"\x7fELF":
            return found
    candidates = [path for path in found.parent.parent.rglob("temporal") if path.stat().st_size > _SMALLEST_PROGRAM]
    if not candidates:
        raise CliError(f"{found} is a script, and the program that it starts was not found")
    return candidates[0]
