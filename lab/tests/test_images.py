"""The images of the lab: their names, and when a substitute is up to date."""

import shutil
from pathlib import Path

import pytest

from devtools import layout
from lab import settings
from lab.images import names, substitutes


def test_the_stack_file_uses_exactly_these_images() -> None:
    content = (layout.ROOT / "docker-stack.dev.yml").read_text()
    override = settings.OVERRIDE.read_text()
    for image in names.SUBSTITUTES:
        assert f"image: {image}\n" in content + override
    assert [image.rpartition("/")[2] for image in names.services("1")] == [f"{name}:1" for name in settings.SERVICES]
    assert len(names.stack()) == len(names.SUBSTITUTES) + len(settings.SERVICES)


def test_every_substitute_has_a_dockerfile() -> None:
    for name in names.SUBSTITUTES.values():
        assert (substitutes.DOCKERFILES / name / "Dockerfile").exists()


def test_a_substitute_is_current_until_its_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(substitutes, "DOCKERFILES", tmp_path)
    shutil.copytree(settings.FOLDER / "images" / "dockerfiles" / "redis", tmp_path / "redis")
    assert not substitutes._is_current("redis")
    stamp = substitutes._stamp("redis")
    stamp.parent.mkdir(parents=True)
    stamp.write_text(substitutes._digest(tmp_path / "redis"))
    assert substitutes._is_current("redis")
    with (tmp_path / "redis" / "entrypoint.sh").open("a") as script:
        script.write("# changed\n")
    assert not substitutes._is_current("redis")
