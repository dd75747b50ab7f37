"""Result files that need no encoder: drawings, models, archives, each small, valid and different.

Formats written by hand: safetensors (a little-endian u64 header length, a JSON header, the tensors) and
binary glTF 2.0 (a 12-byte header, then chunks of 4-byte aligned length; a reader skips unknown chunk types).
"""

import io
import json
import random
import struct
import tarfile
import zipfile
from collections.abc import Sequence

from sandbox import content, padding

_SAFETENSORS_HEADER = 512  # bytes, filled up with spaces, so that the tensor's length does not move it
_SAFETENSORS_DATA = 64 * 1024  # bytes, when nobody asked for a size
_TRIANGLE = 36  # bytes: three points of three floats


def svg(dice: random.Random, size: int | None = None) -> content.Content:
    """A drawing of a few translucent discs."""
    discs = "".join(
        f'<circle cx="{dice.randint(20, 236)}" cy="{dice.randint(20, 236)}" r="{dice.randint(20, 90)}" '
        f'fill="hsl({dice.randrange(360)} 70% 55%)" fill-opacity="0.6"/>'
        for _ in range(8)
    )
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">'
    return padding.svg(f"{frame}{discs}</svg>\n", size)


def safetensors(dice: random.Random, size: int | None = None) -> content.Content:
    """One tensor of bytes that fills the file."""
    length = max(0, (size or 0) - 8 - _SAFETENSORS_HEADER) or _SAFETENSORS_DATA
    header = json.dumps(
        {
            "__metadata__": {"format": "pt", "seed": str(dice.getrandbits(64))},
            "lora_unet_down_blocks_0.weight": {"dtype": "U8", "shape": [length], "data_offsets": [0, length]},
        }
    )
    head = struct.pack("<Q", _SAFETENSORS_HEADER) + header.ljust(_SAFETENSORS_HEADER).encode()
    return content.Content("application/octet-stream", head, length)


def glb(dice: random.Random, size: int | None = None) -> content.Content:
    """One triangle. A wanted size is rounded up to the four bytes that the format counts in."""
    corners = [dice.uniform(-1, 1) for _ in range(9)]
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "buffers": [{"byteLength": _TRIANGLE}],
        "bufferViews": [{"buffer": 0, "byteLength": _TRIANGLE, "target": 34962}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 3,
                "type": "VEC3",
                "min": [_float32(min(corners[axis::3])) for axis in range(3)],
                "max": [_float32(max(corners[axis::3])) for axis in range(3)],
            }
        ],
    }
    text = json.dumps(document).encode()
    text = text.ljust(-(-len(text) // 4) * 4)
    model = struct.pack("<I4s", len(text), b"JSON") + text
    model += struct.pack("<I4s9f", _TRIANGLE, b"BIN\0", *corners)
    room = -(-((size or 0) - 12 - len(model) - 8) // 4) * 4
    if room >= 0:
        model += struct.pack("<I4s", room, b"FILL")
    total = 12 + len(model) + max(0, room)
    return content.Content("model/gltf-binary", struct.pack("<4sII", b"glTF", 2, total) + model, max(0, room))


def fbx(dice: random.Random, size: int | None = None) -> content.Content:
    """A text FBX with one triangle; it ends in a comment."""
    corners = ",".join(f"{dice.uniform(-1, 1):.6f}" for _ in range(9))
    text = (
        "; FBX 7.4.0 project file\n"
        "FBXHeaderExtension:  {\n\tFBXHeaderVersion: 1003\n\tFBXVersion: 7400\n}\n"
        'Objects:  {\n\tGeometry: 1, "Geometry::", "Mesh" {\n'
        f"\t\tVertices: *9 {{\n\t\t\ta: {corners}\n\t\t}}\n"
        "\t\tPolygonVertexIndex: *3 {\n\t\t\ta: 0,1,-3\n\t\t}\n\t}\n}\n; "
    )
    return padding.after("application/octet-stream", text.encode(), size)


def tar(dice: random.Random, size: int | None = None) -> content.Content:
    """An archive of one text file."""
    text = f"layer {dice.getrandbits(64):016x}\n".encode()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("layer.txt")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return padding.after("application/x-tar", file.getvalue(), size)


def objects(dice: random.Random, size: int | None = None) -> content.Content:
    """A JSON document of ComfyUI nodes, filled up with one long string."""
    nodes = {f"Node{dice.getrandbits(32):08x}": {"category": "sandbox", "output": ["IMAGE"]} for _ in range(3)}
    head, tail = json.dumps(nodes)[:-1] + ', "filler": "', '"}'
    return content.Content(
        "application/json", head.encode(), max(0, (size or 0) - len(head) - len(tail)), tail.encode()
    )


def bundle(members: Sequence[tuple[str, bytes]]) -> content.Content:
    """A ZIP of named files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return content.Content("application/zip", file.getvalue())


def _float32(number: float) -> float:
    """`number` as the file will hold it: glTF compares an accessor's bounds with its points exactly."""
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded
