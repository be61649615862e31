"""`./dev lint`: every check that runs nothing of ours."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

from . import build, console, layout, rules
from .console import Trouble

DENY_VERSION = "cargo-deny@^0.19"
DENY = layout.tools_dir() / "bin" / "cargo-deny"


@dataclass(frozen=True)
class Check:
    """One command that must succeed."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def lint(advisories: bool = False) -> int:
    """Run all checks, also after one failed, and name those that did."""
    build.require_toolchain()
    _require_components()
    _install_deny()
    failed = [check.name for check in _checks(advisories) if not _passes(check)]
    failed += [f"{patch} does not fit the code any more" for patch in rules.do_not_fit()]
    if failed:
        console.warn(f"lint failed: {', '.join(failed)}")
    return 1 if failed else 0


def _checks(advisories: bool) -> list[Check]:
    cache = {"PYTHONPYCACHEPREFIX": str(layout.STATE / "pycache")}
    deny = [str(DENY), "check", "bans", "licenses", "sources"]
    return [
        Check("python", [sys.executable, "-m", "compileall", "-q", "-f", "devtools"], cache),
        Check("format", ["cargo", "fmt", "--all", "--check"]),
        Check("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Check("doc", ["cargo", "doc", "--workspace", "--no-deps"], {"RUSTDOCFLAGS": "-D warnings"}),
        Check("deny", [*deny, "advisories"] if advisories else deny),
    ]


def _passes(check: Check) -> bool:
    console.step(f"lint: {check.name}")
    begin = time.monotonic()
    code = console.run(check.command, env={**build.cargo_environment(), **check.environment})
    console.step(f"lint: {check.name} {'FAILED' if code else 'ok'} in {console.elapsed(time.monotonic() - begin)}")
    return code == 0


def _works(*command: str) -> bool:
    return subprocess.run(command, cwd=layout.ROOT, capture_output=True, check=False).returncode == 0


def _require_components() -> None:
    """rustfmt and clippy are optional parts of a toolchain."""
    parts = {"rustfmt": ("cargo", "fmt", "--version"), "clippy": ("cargo", "clippy", "--version")}
    missing = [name for name, asked in parts.items() if not _works(*asked)]
    if not missing:
        return
    if not shutil.which("rustup"):
        raise Trouble(f"the Rust toolchain lacks {' and '.join(missing)}")
    console.must_run(["rustup", "component", "add", *missing])


def _install_deny() -> None:
    if DENY.exists() and _works(str(DENY), "--version"):
        return
    console.step("building cargo-deny; this takes some minutes, once")
    # Unoptimized: it is built once and runs for seconds.
    install = ["cargo", "install", "--locked", "--debug", "--root", str(layout.tools_dir()), DENY_VERSION]
    console.must_run(install, env=build.cargo_environment())
