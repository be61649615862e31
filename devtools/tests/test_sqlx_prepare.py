"""The order of migrations, and how query metadata is replaced."""

from pathlib import Path

from devtools import sqlx_prepare


def test_migrations_are_ordered_by_number_and_folder(tmp_path: Path) -> None:
    names = ["migrations/10_c.sql", "migrations/2_b.sql", "migrations/2_b.down.sql", "migrations/notes.sql"]
    names += ["migrations-gateway/1_g.sql", "migrations/readme.md"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in sqlx_prepare._migrations(tmp_path)]
    assert found == ["migrations/2_b.sql", "migrations/10_c.sql", "migrations-gateway/1_g.sql"]


def test_only_changed_metadata_is_written(root: Path) -> None:
    old, new = root / "crate" / ".sqlx", root / "new"
    for folder, contents in ((old, {"a": "1", "b": "1", "gone": "1"}), (new, {"a": "1", "b": "2", "c": "1"})):
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / f"query-{name}.json").write_text(content)
    before = (old / "query-a.json").stat().st_mtime_ns
    sqlx_prepare._replace(old, sorted(new.iterdir()))
    assert {path.name: path.read_text() for path in old.iterdir()} == {
        "query-a.json": "1",
        "query-b.json": "2",
        "query-c.json": "1",
    }
    assert (old / "query-a.json").stat().st_mtime_ns == before
