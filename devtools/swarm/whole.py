"""`./dev swarm images`: our images by the whole deploy/Dockerfile, where none can be pulled. Takes long."""

import os
import shutil
import subprocess
from pathlib import Path

from .. import build, console, layout
from ..console import Trouble
from . import images, lab

TAG = "whole"
_RUST = "rust:1.95-bookworm"


def run(words: list[str]) -> int:
    """deploy/build.sh at the lab's builder."""
    images.build_stand_ins()
    if not images.image_id("builder", _RUST):
        console.step(f"image {_RUST}")
        lab.docker("builder", "build", "-q", "--network=host", "-t", _RUST, str(_context()), timeout=1800)
    environment = {**os.environ, **lab.environment("builder"), "TAG": TAG, "REGISTRY": "localhost:5000"}
    command = ["nice", str(layout.ROOT / "deploy" / "build.sh"), "--network", "host", *words]
    code = subprocess.run(command, cwd=layout.ROOT, env=environment, check=False).returncode
    return code


def build_latest() -> None:
    """The same, in the place of the packed images."""
    if run([]):
        raise Trouble("deploy/build.sh failed")
    for image, latest in zip(images.ours(TAG), images.ours(), strict=True):
        lab.docker("builder", "tag", image, latest)


def _context() -> Path:
    """The machine's Rust toolchain without its documents."""
    build.require_toolchain()
    folder = lab.cache() / "contexts" / "rust"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(images.RECIPES / "rust", folder)
    root = Path(
        subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    )
    for part in ("bin", "lib"):
        shutil.copytree(root / part, folder / "toolchain" / part, symlinks=True)
    bundle = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
    if not bundle.exists():
        raise Trouble(f"{bundle} is missing: install ca-certificates")
    shutil.copyfile(bundle, folder / "ca-certificates.crt")
    return folder
