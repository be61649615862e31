"""The images of the four services, made from the programs that cargo has already built."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from devtools import build, console, layout
from lab import daemons, docker, settings
from lab.images import names
from lab.images.substitutes import DOCKERFILES


class ImageSize(NamedTuple):
    """The size of an image before compression, and the number of its layers."""

    image: str
    size: int
    layers: int


def build_from_programs() -> None:
    """Put each program into the runtime image of deploy/Dockerfile."""
    daemons.start_builder()
    empty = settings.cache() / "contexts" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    dockerfile = ["-f", str(layout.ROOT / "deploy" / "Dockerfile"), "--target=runtime"]
    docker.run("builder", "build", "-q", "--network=host", *dockerfile, "-t", "order-saga-lab/runtime:1", str(empty))
    for service, image in zip(settings.SERVICES, names.services(), strict=True):
        arguments = [f"--build-arg=SERVICE={service}", "--build-arg=VERSION=lab"]
        dockerfile = ["-f", str(DOCKERFILES / "prebuilt.Dockerfile")]
        docker.run("builder", "build", "-q", *arguments, *dockerfile, "-t", image, str(_context(service)))
    console.step(f"images: {', '.join(names.services())}")


def _context(service: str) -> Path:
    """A folder with the program, without debugging information, and with its second name `service`."""
    folder = settings.cache() / "contexts" / service
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "program").mkdir(parents=True)
    binary = build.program(service, release=False)
    console.must_run(["strip", "-o", str(folder / "program" / service), str(binary)])
    (folder / "program" / "service").symlink_to(service)
    return folder


def sizes() -> list[ImageSize]:
    """The sizes of the images on the builder."""
    rows = []
    for image in names.services():
        found = json.loads(docker.run("builder", "image", "inspect", image))[0]
        rows.append(ImageSize(image, found["Size"], len(found["RootFS"]["Layers"])))
    return rows
