import hashlib
from pathlib import Path

import pytest

from cli import failures
from cli.partial import Partial
from orchestration.resumption import Begun

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    with Partial(tmp_path, "name", "blob") as partial:
        await partial.begin(0, etag=None, total=None)
        await partial.write(PNG[:50])
        await partial.write(PNG[50:])
        assert not (tmp_path / "name.png").exists()
        assert partial.media_type() == "image/png"
        assert partial.digest == hashlib.sha256(PNG).hexdigest()
        assert await partial.finish("png") == tmp_path / "name.png"
    assert files(tmp_path) == ["name.png"]
    assert (tmp_path / "name.png").read_bytes() == PNG


async def test_what_was_begun_is_gone_on_with_if_it_is_the_same(tmp_path: Path) -> None:
    with Partial(tmp_path, "name", "blob") as partial:
        assert partial.begun() is None
        await partial.begin(0, etag='"v1"', total=len(PNG))
        await partial.write(PNG[:60])
    with Partial(tmp_path, "name", "another blob") as partial:
        assert partial.begun() is None
    with Partial(tmp_path, "name", "blob") as partial:
        assert partial.begun() == Begun(60, '"v1"', len(PNG))
        await partial.begin(40, etag='"v1"', total=len(PNG))
        await partial.write(PNG[40:])
        assert partial.digest == hashlib.sha256(PNG).hexdigest()
        await partial.finish("png")
    assert (tmp_path / "name.png").read_bytes() == PNG


@pytest.mark.parametrize(
    "about", ["", "[]", '{"subject": "blob"}', '{"subject": "blob", "etag": 7, "total": 1}', "\xff"]
)
async def test_what_proves_nothing_is_not_gone_on_with(tmp_path: Path, about: str) -> None:
    (tmp_path / ".name.part").write_bytes(PNG)
    (tmp_path / ".name.part.json").write_text(about, encoding="latin-1")
    with Partial(tmp_path, "name", "blob") as partial:
        assert partial.begun() is None


async def test_nothing_is_left_of_what_never_came(tmp_path: Path) -> None:
    with Partial(tmp_path, "name", "blob") as partial:
        await partial.begin(0, etag='"v1"', total=7)
    assert files(tmp_path) == []


async def test_two_commands_do_not_write_into_one_file(tmp_path: Path) -> None:
    with Partial(tmp_path, "name", "blob") as first:
        await first.begin(0, etag=None, total=None)
        await first.write(PNG)
        with pytest.raises(failures.CommandFailed, match="another command is downloading name"):
            Partial(tmp_path, "name", "blob").__enter__()
        await first.finish("png")
        with Partial(tmp_path, "name", "blob") as second:
            await second.begin(0, etag=None, total=None)
    assert files(tmp_path) == ["name.png"]
    assert (tmp_path / "name.png").read_bytes() == PNG
