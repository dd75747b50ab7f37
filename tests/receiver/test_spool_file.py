"""A spool file: what was written is read back, whatever a kill has left behind it."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from archive import events, quarantine
from receiver import deliveries
from receiver.deliveries import Delivery
from receiver.spool_file import Record, SpoolFile
from tests.archive.factories import workflow_event

NOW = datetime(2026, 11, 22, 5, 0, 0, 123456, UTC)


def delivery(body: bytes, **parameters: str) -> Delivery:
    return deliveries.read("first", {name: [value] for name, value in parameters.items()}, body, NOW)


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


EVENT = delivery(encoded(workflow_event("wf", "succeeded")), run="7")


def whole(records: list[Record]) -> list[Delivery]:
    return [record.delivery for record in records if record.delivery]


BODIES = st.lists(
    st.binary(max_size=200) | st.text(max_size=20).map(lambda name: encoded(workflow_event(name, "x"))), max_size=6
)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(BODIES, max_size=4), name=st.text(max_size=5), cut=st.integers(min_value=0, max_value=400))
def test_whatever_was_appended_is_read_back_from_any_position_and_only_what_is_cut_is_missing(
    tmp_path: Path, batches: list[list[bytes]], name: str, cut: int
) -> None:
    file = SpoolFile.create(tmp_path)
    expected = [[deliveries.read("first", {name: [name]}, body, NOW) for body in batch] for batch in batches]
    for batch in expected:
        file.append(batch, NOW)
    flat = [one for batch in expected for one in batch]
    records = list(file.records(0))
    assert [record.delivery for record in records] == flat
    assert [record.end for record in records][-1:] == [file.size][: len(records)]
    for done, record in enumerate(records):
        assert [later.delivery for later in file.records(record.end)] == flat[done + 1 :]
    os.truncate(file.path, max(file.size - cut, 0))
    left = list(file.records(0))
    assert whole(left) == flat[: len(whole(left))]
    assert sum(record.delivery is None for record in left) <= 1
    file.remove()


def test_a_damaged_line_is_skipped_and_what_is_behind_it_is_read(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    for _ in range(3):
        file.append([EVENT], NOW)
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    assert [record.delivery for record in file.records(0)] == [EVENT, None, EVENT]
    file.remove()


def test_a_body_of_many_megabytes_is_one_line(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    large = delivery(b"\x00" * (10 << 20))
    file.append([large, EVENT], NOW)
    assert [record.delivery for record in file.records(0)] == [large, EVENT]
    file.remove()


def test_what_no_event_is_keeps_its_reason_and_an_event_its_moment(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    file.append([delivery(b"\xff"), EVENT], NOW)
    unread, event = whole(list(file.records(0)))
    assert isinstance(unread, quarantine.Unread)
    assert unread.reason == "it is not UTF-8 (byte 0)"
    assert isinstance(event, events.Delivery)
    assert (event.received_at, event.parameters) == (NOW, {"run": ["7"]})
    file.remove()


def test_a_disk_that_is_full_takes_back_what_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpoolFile.create(tmp_path)
    file.append([EVENT], NOW)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            file.append([EVENT, EVENT], NOW)
    assert file.path.stat().st_size == file.size
    assert whole(list(file.records(0))) == [EVENT]
    file.remove()


def test_a_file_is_private_and_its_name_is_used_once(tmp_path: Path) -> None:
    one, other = SpoolFile.create(tmp_path), SpoolFile.create(tmp_path)
    assert one.path < other.path
    assert one.path.stat().st_mode & 0o777 == 0o600
    one.remove()
    other.remove()


def test_a_file_whose_process_lives_is_not_adopted(tmp_path: Path) -> None:
    file = SpoolFile.create(tmp_path)
    assert SpoolFile.adopt(file.path) is None
    file.close()
    adopted = SpoolFile.adopt(file.path)
    assert adopted is not None
    adopted.remove()
    assert SpoolFile.adopt(file.path) is None


def test_a_file_whose_process_was_killed_is_adopted_with_all_that_was_synced(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from datetime import datetime, UTC\n"
        "from receiver import deliveries; from receiver.spool_file import SpoolFile\n"
        "file = SpoolFile.create(Path(sys.argv[1]))\n"
        "file.append([deliveries.read('first', {}, b'no event')] * 3, datetime.now(UTC))\n"
        "print('synced', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"synced\n"
        (path,) = tmp_path.iterdir()
        assert SpoolFile.adopt(path) is None
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    adopted = SpoolFile.adopt(path)
    assert adopted is not None
    assert [one.body for one in whole(list(adopted.records(0)))] == [b"no event"] * 3
    adopted.remove()
