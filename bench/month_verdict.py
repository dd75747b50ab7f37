"""What an archive has kept of a month, held against what the stand-in had, result by result and byte by byte."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import storage
from bench import month, places
from bench.places import Where
from sandbox import expectations, faults, state

_STORED = """
SELECT workflow_id, step, path, encode(object_digest, 'hex') AS digest FROM results WHERE object_digest IS NOT NULL
"""


@dataclass
class Verdict:
    """How many results were to be kept and are, and in sentences what is missing, and what nobody expects."""

    expected: int
    kept: int
    objects: int
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The figures."""
        return {
            "expected": self.expected,
            "kept": self.kept,
            "missing": len(self.missing),
            "extra": len(self.extra),
            "objects": self.objects,
        }


async def stored(engine: AsyncEngine) -> dict[Where, str]:
    """Each result that the rows say is stored, with the SHA-256 of its content in hex."""
    async with engine.connect() as connection:
        rows = await connection.execute(text(_STORED))
        return {(row.workflow_id, row.step, row.path): row.digest for row in rows}


async def judge(engine: AsyncEngine, root: Path, memory: state.State, chance: faults.Chance) -> Verdict:
    """Compare the archive with the stand-in's memory. Nobody may be at work on it."""
    expected = {
        places.where(place): place.blob.file.sha256
        for place in memory.places
        if month.is_wanted(place) and expectations.of(place, chance) == "stored"
    }
    said, files = await stored(engine), await asyncio.to_thread(places.hashed, root, "objects")
    kept = {
        where
        for where, digest in said.items()
        if expected.get(where) == digest == files.get(storage.object_name(bytes.fromhex(digest)))
    }
    verdict = Verdict(len(expected), len(kept), len(files))
    verdict.missing += [f"missing: {' '.join(where)}" for where in sorted(expected.keys() - kept)]
    verdict.extra += [f"extra: {' '.join(where)}" for where in sorted(said.keys() - expected.keys())]
    wanted = set(expected.values())
    verdict.extra += [f"extra: {name}" for name, digest in sorted(files.items()) if digest not in wanted]
    return verdict


def exported(directory: Path) -> int:
    """How many files of an export are what its list says."""
    lines = (directory / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines()
    listed = (line.split("  ", 1) for line in lines)
    return sum(hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest for digest, name in listed)
