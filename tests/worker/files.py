"""What lies in the storage of the archive."""

import json
from pathlib import Path
from typing import Any


def objects(storage: Path) -> dict[str, bytes]:
    """Digest, as the name says it → the bytes."""
    return {path.name: path.read_bytes() for path in storage.glob("objects/sha256/*/*/*")}


def manifests(storage: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in storage.glob("workflows/*/*/*/*.json")]


def manifest(storage: Path) -> dict[str, Any]:
    """The only one."""
    (found,) = manifests(storage)
    return found


def manifest_of(storage: Path, workflow_id: str) -> Path:
    """The file of a workflow whose id is fit for a name."""
    (found,) = storage.glob(f"workflows/*/*/*/{workflow_id}-*.json")
    return found


def told(storage: Path) -> dict[str, Any]:
    """The same, but for the rows, which say more than what was told."""
    return {name: value for name, value in manifest(storage).items() if name != "rows"}


def segments(storage: Path) -> list[Path]:
    """The files of what was told."""
    return sorted(storage.glob("events/*/*/*/*.jsonl"))


def content(storage: Path, name: str) -> bytes:
    return (storage / name).read_bytes()


def half_received(storage: Path) -> list[Path]:
    return list((storage / "incoming").glob("*"))


def names(storage: Path) -> list[str]:
    """Every file."""
    return sorted(str(path.relative_to(storage)) for path in storage.rglob("*") if path.is_file())


def replace(path: Path, content: bytes) -> None:
    """Have other bytes lie there, as a disk might that rots; nobody may write to an object."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
