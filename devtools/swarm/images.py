"""Every image of the stack, without a registry: stand-ins built from the real programs, and ours."""

import hashlib
import json
import shutil
from pathlib import Path

from .. import build, console, layout
from . import lab, nodes, programs

RECIPES = layout.ROOT / "deploy" / "lab" / "images"
_BASES = {"debian:bookworm-slim": "bookworm", "debian:sid-slim": "sid"}
_STAND_INS = {
    "mysql:9.7": "mysql",
    "redis:7-alpine": "redis",
    "postgres:15-alpine": "postgres",
    "temporalio/server:1.30.4": "temporal-server",
    "temporalio/admin-tools:1.30.4": "temporal-admin-tools",
    "temporalio/ui:2.54.1": "temporal-ui",
    "order-saga-lab/edge:1": "edge",
}


def ours(tag: str = "latest") -> list[str]:
    """The names of our four images."""
    return [f"localhost:5000/{service}:{tag}" for service in lab.SERVICES]


def _files(recipe: str) -> dict[str, Path]:
    """What an image gets besides its recipe's files."""
    match recipe:
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


def image_id(daemon: str, image: str) -> str:
    done = lab.attempt(["docker", "image", "inspect", "-f", "{{.Id}}", image], lab.environment(daemon))
    return done.stdout.strip() if done.returncode == 0 else ""


def _import_base(image: str, suite: str) -> None:
    """A Debian system as an image, in the place of the official one."""
    if image_id("builder", image):
        return
    archive = lab.cache() / f"{suite}.tar"
    if not archive.exists():
        console.step(f"making a Debian {suite} base system")
        unfinished = archive.with_suffix(".part")
        # sid's index may be older than it says it may be.
        options = ["--variant=minbase", "--format=tar", '--aptopt=Acquire::Check-Valid-Until "false"']
        suites = [suite, "http://deb.debian.org/debian"]
        console.must_run(["nice", "mmdebstrap", *options, suites[0], str(unfinished), suites[1]])
        unfinished.rename(archive)
    lab.docker("builder", "import", "-c", 'CMD ["bash"]', str(archive), image)


def _context(recipe: str) -> Path:
    """A recipe's folder with the programs that it packs."""
    folder = lab.cache() / "contexts" / recipe
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RECIPES / recipe, folder)
    for name, source in _files(recipe).items():
        if source.is_dir():
            shutil.copytree(source, folder / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, folder / name)
            (folder / name).chmod(0o755)
    return folder


def _recipe_changed(recipe: str) -> bool:
    """Whether a recipe differs from the one that its image was built from."""
    content = b"".join(path.read_bytes() for path in sorted((RECIPES / recipe).iterdir()))
    stamp, now = lab.cache() / "stamps" / recipe, hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == now:
        return False
    stamp.parent.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)
    return True


def _write_stamp(recipe: str) -> None:
    content = b"".join(path.read_bytes() for path in sorted((RECIPES / recipe).iterdir()))
    (lab.cache() / "stamps" / recipe).write_text(hashlib.sha256(content).hexdigest())


def build_stand_ins() -> None:
    """Build what cannot be pulled; quick if it is there."""
    nodes.start_builder()
    for image, suite in _BASES.items():
        _import_base(image, suite)
    for image, recipe in _STAND_INS.items():
        if _recipe_changed(recipe) or not image_id("builder", image):
            console.step(f"image {image}")
            lab.docker("builder", "build", "-q", "--network=host", "-t", image, str(_context(recipe)), timeout=1200)
            _write_stamp(recipe)


def pack_ours() -> None:
    """Our programs, as cargo has built them already, in the image that deploy/Dockerfile makes."""
    nodes.start_builder()
    dockerfile = str(layout.ROOT / "deploy" / "Dockerfile")
    empty = lab.cache() / "contexts" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    runtime = ["--network=host", "--target=runtime", "-f", dockerfile, "-t", "order-saga-lab/runtime:1", str(empty)]
    lab.docker("builder", "build", "-q", *runtime)
    for service, image in zip(lab.SERVICES, ours(), strict=True):
        context = _packed_context(service)
        labels = [f"--build-arg=SERVICE={service}", "--build-arg=VERSION=lab"]
        recipe = ["-f", str(layout.ROOT / "deploy" / "lab" / "packed.Dockerfile")]
        lab.docker("builder", "build", "-q", *labels, *recipe, "-t", image, str(context))
    console.step(f"images: {', '.join(ours())}")


def _packed_context(service: str) -> Path:
    """The program without its debugging information, and its second name."""
    binary = build.program(service, release=False)
    folder = lab.cache() / "contexts" / service
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "program").mkdir(parents=True)
    console.must_run(["strip", "-o", str(folder / "program" / service), str(binary)])
    (folder / "program" / "service").symlink_to(service)
    return folder


def load(number: int, names: list[str]) -> None:
    """Bring images from the builder to a node, those that it lacks."""
    load_into(lab.node(number), names)


def load_into(daemon: str, names: list[str]) -> None:
    """Bring images from the builder to another daemon, those that it lacks."""
    missing = [name for name in names if image_id(daemon, name) != image_id("builder", name)]
    if not missing:
        return
    console.step(f"{daemon}: loading {len(missing)} images")
    archive = lab.cache() / f"load-{daemon}.tar"
    lab.docker("builder", "save", "-o", str(archive), *missing)
    lab.docker(daemon, "load", "-q", "-i", str(archive))
    archive.unlink()


def stack_images() -> list[str]:
    """All images that the stack needs."""
    return [*_STAND_INS, *ours()]


def report() -> list[dict]:
    """Size and layers of our images, as the builder has them."""
    rows = []
    for image in ours():
        found = json.loads(lab.docker("builder", "image", "inspect", image))[0]
        rows.append({"image": image, "bytes": found["Size"], "layers": len(found["RootFS"]["Layers"])})
    return rows
