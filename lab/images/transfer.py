"""Copy images from the builder to the other daemons."""

from devtools import console
from lab import docker, settings


def load(daemon: str, images: list[str]) -> None:
    """Copy images from the builder to a daemon. Images that the daemon already has are skipped."""
    missing = [image for image in images if docker.image_id(daemon, image) != docker.image_id("builder", image)]
    if not missing:
        return
    console.step(f"{daemon}: loading {len(missing)} images")
    archive = settings.cache() / f"load-{daemon}.tar"
    docker.run("builder", "save", "-o", str(archive), *missing)
    docker.run(daemon, "load", "-q", "-i", str(archive))
    archive.unlink()
