"""Records of background processes."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from devtools import layout, records
from devtools.records import ProcessRecord, ProcessStat

_FIELDS = "S 1 10 77 " + " ".join(str(number) for number in range(5, 30))


def _this_process() -> ProcessRecord:
    stat = records.stat(os.getpid())
    assert stat
    return ProcessRecord(os.getpid(), stat.ticks, records.boot_id(), ["test"], 0, {"note": "1"})


def test_a_process_name_may_contain_parentheses_and_spaces() -> None:
    assert records.parse_stat(f"5 (a) b (c) {_FIELDS}") == ProcessStat(session=77, ticks=20)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_zombie_is_not_a_process(state: str) -> None:
    assert records.parse_stat(f"5 (a) {_FIELDS.replace('S', state, 1)}") is None


def test_a_record_identifies_one_process() -> None:
    record = _this_process()
    assert record.alive()
    assert not replace(record, start_ticks=record.start_ticks + 1).alive()
    assert not replace(record, boot="another boot").alive()
    assert not replace(record, pid=0).alive()


@pytest.mark.usefixtures("root")
def test_a_record_is_kept_until_it_is_forgotten() -> None:
    record = _this_process()
    assert records.last("redis") is None
    records.write("redis", record)
    assert records.last("redis") == records.running("redis") == record
    records.write("redis", replace(record, boot="another boot"))
    assert records.last("redis") is not None
    assert records.running("redis") is None
    records.forget("redis")
    records.forget("redis")
    assert records.last("redis") is None


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_is_ignored(content: str) -> None:
    Path(layout.RUN).mkdir(parents=True)
    (layout.RUN / "redis.json").write_text(content)
    assert records.last("redis") is None
