import io
import json
import random
import struct
import tarfile
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable

import pytest

from sandbox import content, files
from tests.sandbox import chance

SIZES = [None, 100_000]


def opened(file: content.Content) -> bytes:
    return b"".join(file.pieces())


@pytest.mark.parametrize("size", SIZES)
def test_safetensors_holds_the_tensors_that_its_header_tells(size: int | None) -> None:
    data = opened(files.safetensors(chance.dice(1), size))
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {name: tensor for name, tensor in header.items() if name != "__metadata__"}
    (tensor,) = tensors.values()
    assert tensor["data_offsets"] == [0, len(data) - 8 - length]
    assert tensor["shape"] == [len(data) - 8 - length]
    assert size is None or len(data) == size


@pytest.mark.parametrize("size", SIZES)
def test_glb_is_chunks_that_fill_it(size: int | None) -> None:
    data = opened(files.glb(chance.dice(1), size))
    magic, version, total = struct.unpack_from("<4sII", data)
    assert (magic, version, total) == (b"glTF", 2, len(data))
    kinds, position = [], 12
    while position < total:
        length, kind = struct.unpack_from("<I4s", data, position)
        kinds.append(kind)
        position += 8 + length
        assert length % 4 == 0
    assert position == total
    assert kinds[:2] == [b"JSON", b"BIN\0"]
    assert size is None or len(data) == size


@pytest.mark.parametrize("size", SIZES)
def test_svg_is_well_formed(size: int | None) -> None:
    data = opened(files.svg(chance.dice(1), size))
    assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 (our own)
    assert size is None or len(data) == size


@pytest.mark.parametrize("size", SIZES)
def test_tar_and_json_open(size: int | None) -> None:
    with tarfile.open(fileobj=io.BytesIO(opened(files.tar(chance.dice(1), size)))) as archive:
        assert archive.getnames() == ["layer.txt"]
    objects = files.objects(chance.dice(1), size)
    assert len(json.loads(opened(objects))) == 4
    assert size is None or objects.size == size


def test_a_bundle_opens() -> None:
    with zipfile.ZipFile(io.BytesIO(opened(files.bundle([("a", b"one")])))) as archive:
        assert archive.read("a") == b"one"


@pytest.mark.parametrize("make", [files.svg, files.safetensors, files.glb, files.fbx, files.tar, files.objects])
def test_every_file_is_different(make: Callable[[random.Random], content.Content]) -> None:
    dice = chance.dice(0)
    assert len({make(dice).sha256 for _ in range(10)}) == 10
