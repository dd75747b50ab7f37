from pathlib import Path

from cli import idempotency

BODY = {"steps": [{"$type": "imageGen"}], "tags": ["a"]}


def test_a_body_keeps_its_key_until_it_is_answered(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = idempotency.Key(folder, "https://a.example", BODY)
    assert idempotency.WORTHY.fullmatch(first.value)
    assert idempotency.Key(folder, "https://a.example", dict(reversed(BODY.items()))).value == first.value
    assert idempotency.Key(folder, "https://b.example", BODY).value != first.value
    assert idempotency.Key(folder, "https://a.example", BODY | {"tags": []}).value != first.value
    first.forget()
    assert idempotency.Key(folder, "https://a.example", BODY).value != first.value


def test_a_key_is_whole_on_disk_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = idempotency.Key(folder, "https://a.example", BODY)
    (path,) = folder.iterdir()
    assert path.read_text() == key.value
    assert folder.stat().st_mode & 0o077 == 0


def test_what_is_no_key_on_disk_is_not_sent(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    idempotency.Key(folder, "https://a.example", BODY)
    (path,) = folder.iterdir()
    path.write_text("a b\n")
    key = idempotency.Key(folder, "https://a.example", BODY)
    assert idempotency.WORTHY.fullmatch(key.value)
    assert path.read_text() == key.value
