"""What a drill compares: the stand-in's places as our rows name them, and our files by their digests."""

import hashlib
from pathlib import Path

from sandbox import state

Where = tuple[str, str, str]
"""A place: workflow, step, path."""


def where(place: state.Place) -> Where:
    """The place as our rows name it."""
    return place.workflow.id, place.step.name, f"output.{place.path}" if place.path else "output"


def is_kept(place: state.Place) -> bool:
    """Whether an archive keeps it with its default settings: no previews, and a generated bundle is recorded only."""
    return not place.path.endswith(".previewUrl") and place.step.type != "blobArchive"


def hashed(root: Path, folder: str = "") -> dict[str, str]:
    """Every file of the storage, or of one folder of it, by its name, with the SHA-256 of its bytes in hex."""
    digests = {}
    for path in sorted((root / folder).rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digests[path.relative_to(root).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
