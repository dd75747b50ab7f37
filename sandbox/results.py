"""One result of a kind: its bytes, and what the blob object says about them.

Widths, heights, durations and formats follow the step's input, held within what is cheap to encode; what a
result claims is what its file holds. Blocking: call it in a thread.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox import content, files, media

PREVIEW_WIDTH = 96  # pixels


@dataclass(frozen=True)
class Result:
    """A file, the blob type and facts that go with it, and for images a smaller copy."""

    type: str
    extension: str
    file: content.Content
    facts: dict[str, Any] = field(default_factory=dict)
    preview: content.Content | None = None


Wishes = Mapping[str, Any]
Make = Callable[[Wishes, random.Random, int | None], Result]


def image(wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """JPEG, or PNG where the input asks for it."""
    asked = wishes.get("output")
    output_format = asked.get("format") if isinstance(asked, dict) else wishes.get("outputFormat")
    return cutout(wishes, dice, size) if output_format == "png" else _picture("jpeg", wishes, dice, size)


def cutout(wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """PNG."""
    return _picture("png", wishes, dice, size)


def video(wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """MP4."""
    width, height = _even(wishes, "width", 320), _even(wishes, "height", 192)
    film = media.mp4(media.Edition.draw(dice), width, height, _within(wishes, "duration", 1.5, 0.5, 5.0), size)
    return Result("video", "mp4", film, {"width": width, "height": height})


def speech(wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """WAV."""
    seconds = _within(wishes, "duration", 2.0, 0.5, 20.0)
    return Result("audio", "wav", media.wav(media.Edition.draw(dice), seconds, size), {"duration": seconds})


def music(wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """MP3."""
    seconds = _within(wishes, "duration", 3.0, 0.5, 20.0)
    return Result("audio", "mp3", media.mp3(media.Edition.draw(dice), seconds, size), {"duration": seconds})


def glb(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """Binary glTF."""
    return Result("model3d", "glb", files.glb(dice, size), {"format": "glb"})


def fbx(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """FBX, as text."""
    return Result("model3d", "fbx", files.fbx(dice, size), {"format": "fbx"})


def drawing(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """SVG."""
    return Result("image", "svg", files.svg(dice, size))


def weights(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """A safetensors model."""
    return Result("model", "safetensors", files.safetensors(dice, size))


def layer(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """A tar archive."""
    return Result("archive", "tar", files.tar(dice, size))


def objects(_wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    """A JSON document."""
    return Result("json", "json", files.objects(dice, size))


def _picture(extension: str, wishes: Wishes, dice: random.Random, size: int | None) -> Result:
    width = round(_within(wishes, "width", 512, 16, 2048))
    height = round(_within(wishes, "height", 512, 16, 2048))
    edition = media.Edition.draw(dice)
    encode = media.jpeg if extension == "jpeg" else media.png
    preview = media.jpeg(edition, PREVIEW_WIDTH, max(16, round(PREVIEW_WIDTH * height / width)))
    facts = {"width": width, "height": height}
    return Result("image", extension, encode(edition, width, height, size), facts, preview)


def _even(wishes: Wishes, name: str, default: int) -> int:
    """H.264 counts pixels in pairs."""
    return round(_within(wishes, name, default, 32, 1280)) // 2 * 2


def _within(wishes: Wishes, name: str, default: float, least: float, most: float) -> float:
    value = wishes.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return max(least, min(most, value))
