"""Substitutes for the images of a registry: the same programs, on Debian."""

import hashlib
import shutil
from pathlib import Path

from devtools import console
from lab import daemons, docker, settings
from lab.images import programs
from lab.images.names import SUBSTITUTES

DOCKERFILES = settings.FOLDER / "images" / "dockerfiles"
_BASES = {"debian:bookworm-slim": "bookworm", "debian:sid-slim": "sid"}


def build() -> None:
    """Build every substitute that is missing or whose Dockerfile folder changed."""
    daemons.start_builder()
    for image, suite in _BASES.items():
        _import_base(image, suite)
    for image, name in SUBSTITUTES.items():
        if _is_current(name) and docker.image_id("builder", image):
            continue
        console.step(f"image {image}")
        _stamp(name).unlink(missing_ok=True)
        docker.run("builder", "build", "-q", "--network=host", "-t", image, str(_context(name)), timeout=1200)
        _stamp(name).parent.mkdir(exist_ok=True)
        _stamp(name).write_text(_digest(DOCKERFILES / name))


def _import_base(image: str, suite: str) -> None:
    """Make an image of a Debian system, as a substitute for the official one."""
    if docker.image_id("builder", image):
        return
    archive = settings.cache() / f"{suite}.tar"
    if not archive.exists():
        console.step(f"making a Debian {suite} base system")
        unfinished = archive.with_suffix(".part")
        # A mirror of sid may serve an index that has expired.
        options = ["--variant=minbase", "--format=tar", '--aptopt=Acquire::Check-Valid-Until "false"']
        console.must_run(["nice", "mmdebstrap", *options, suite, str(unfinished), "http://deb.debian.org/debian"])
        unfinished.rename(archive)
    docker.run("builder", "import", "-c", 'CMD ["bash"]', str(archive), image)


def _context(name: str) -> Path:
    """A copy of a Dockerfile's folder, with the programs that the image contains."""
    folder = settings.cache() / "contexts" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCKERFILES / name, folder)
    for target, source in _additional_files(name).items():
        if source.is_dir():
            shutil.copytree(source, folder / target, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, folder / target)
            (folder / target).chmod(0o755)
    return folder


def _additional_files(name: str) -> dict[str, Path]:
    """The files of an image that are not in its Dockerfile's folder."""
    match name:
        case "temporal-server":
            entrypoint = programs.module_folder(programs.SERVER) / "docker" / "scripts" / "sh" / "entrypoint.sh"
            return {"temporal-server": programs.program("temporal-server"), "entrypoint.sh": entrypoint}
        case "temporal-admin-tools":
            schema = programs.module_folder(programs.SERVER) / "schema"
            tool = programs.program("temporal-sql-tool")
            return {"temporal-sql-tool": tool, "temporal": programs.command_line(), "schema": schema}
        case "temporal-ui":
            config = programs.module_folder(programs.UI) / "config"
            return {"ui-server": programs.program("ui-server"), "config": config}
    return {}


def _digest(folder: Path) -> str:
    """A hash of all files in a folder."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()


def _stamp(name: str) -> Path:
    """The file that records the digest of the folder from which an image was last built."""
    return settings.cache() / "stamps" / name


def _is_current(name: str) -> bool:
    """Whether an image was built from the folder as it is now."""
    return _stamp(name).exists() and _stamp(name).read_text() == _digest(DOCKERFILES / name)
