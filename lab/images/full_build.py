"""The images of the four services, built with the complete deploy/Dockerfile and a substitute for the Rust image."""

import os
import shutil
import subprocess
from pathlib import Path

from devtools import build, console, layout
from devtools.console import CliError
from lab import docker, settings
from lab.images import names, substitutes

TAG = "full-build"
RUST = "rust:1.95-bookworm"


def run(words: list[str]) -> int:
    """Run deploy/build.sh on the builder; return its exit code."""
    build_bases()
    environment = {**os.environ, **docker.environment("builder"), "TAG": TAG, "REGISTRY": "localhost:5000"}
    command = ["nice", str(layout.ROOT / "deploy" / "build.sh"), "--network", "host", *words]
    return subprocess.run(command, cwd=layout.ROOT, env=environment, check=False).returncode


def build_bases() -> None:
    """Build the substitutes, including the one for the Rust image."""
    substitutes.build()
    if not docker.image_id("builder", RUST):
        console.step(f"image {RUST}")
        docker.run("builder", "build", "-q", "--network=host", "-t", RUST, str(_rust_context()), timeout=1800)


def build_latest() -> None:
    """Build the images and give them the tag `latest`, which the stack uses."""
    if run([]):
        raise CliError("deploy/build.sh failed")
    for image, latest in zip(names.services(TAG), names.services(), strict=True):
        docker.run("builder", "tag", image, latest)


def _rust_context() -> Path:
    """A folder with this machine's root certificates and its Rust toolchain, without the toolchain's documentation."""
    build.require_toolchain()
    folder = settings.cache() / "contexts" / "rust"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(substitutes.DOCKERFILES / "rust", folder)
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    for part in ("bin", "lib"):
        shutil.copytree(Path(sysroot) / part, folder / "toolchain" / part, symlinks=True)
    bundle = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
    if not bundle.exists():
        raise CliError(f"{bundle} is missing; install the package ca-certificates")
    shutil.copyfile(bundle, folder / "ca-certificates.crt")
    return folder
