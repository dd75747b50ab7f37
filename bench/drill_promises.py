"""What must be true of an archive after a drill: every result, row and file held against what the stand-in had."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import manifests, segment_files, storage
from archive.names import browse
from archive.storage import local
from bench import places
from bench.places import Where
from sandbox import expectations, faults, state

_RESULTS = """
SELECT workflow_id, step, path, blob_id, encode(object_digest, 'hex') AS digest, size, blocked_reason, last_error,
       CASE WHEN results.stored_at IS NOT NULL THEN 'stored' WHEN withheld_at IS NOT NULL THEN 'withheld'
            WHEN gone_at IS NOT NULL THEN 'gone' WHEN dead_at IS NOT NULL THEN 'dead' ELSE 'waiting' END AS settled
FROM results LEFT JOIN objects ON objects.digest = object_digest
"""
_WORKFLOWS = """
SELECT id, status, due_at, last_error, coalesce(created_at, heard_at) AS since, archived_at IS NOT NULL AS archived,
       gone_at IS NOT NULL AS gone, dead_at IS NOT NULL AS dead,
       EXISTS (SELECT FROM attempts WHERE workflow_id = workflows.id AND step IS NULL AND http_status = 404) AS missed
FROM workflows
"""


@dataclass
class Verdict:
    """How many results there were to keep, and in sentences what is not as it must be, by the promise broken."""

    results: int = 0
    missing: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The number of broken promises of each kind."""
        return {name: len(getattr(self, name)) for name in ("missing", "unwanted", "wrong", "leftovers")}

    @property
    def sentences(self) -> Iterator[str]:
        """All of them, with their kind."""
        for name in self.counts:
            yield from (f"{name}: {sentence}" for sentence in getattr(self, name))


@dataclass(frozen=True)
class Kept:
    """All that the archive holds: its rows, and its files by name with the digests of their bytes."""

    results: Mapping[Where, Any]
    workflows: Mapping[str, Any]
    root: Path
    files: Mapping[str, str]


async def judge(engine: AsyncEngine, root: Path, memory: state.State, chance: faults.Chance) -> Verdict:
    """Compare the archive with the stand-in's memory. Nobody may be at work on it."""
    async with engine.connect() as connection:
        results = {(row.workflow_id, row.step, row.path): row for row in await connection.execute(text(_RESULTS))}
        workflows = {row.id: row for row in await connection.execute(text(_WORKFLOWS))}
    return await asyncio.to_thread(_judge, Kept(results, workflows, root, places.hashed(root)), memory, chance)


def _judge(kept: Kept, memory: state.State, chance: faults.Chance) -> Verdict:
    verdict = Verdict()
    wanted = {places.where(place): place for place in memory.places if places.is_kept(place)}
    verdict.results = len(wanted)
    for where, place in wanted.items():
        _judge_result(verdict, kept, where, place, expectations.of(place, chance))
    for workflow in memory.workflows.values():
        _judge_workflow(verdict, kept, workflow)
    verdict.unwanted += [f"{' '.join(where)}: no result was there" for where in kept.results.keys() - wanted.keys()]
    verdict.unwanted += [f"{name}: no such workflow was submitted" for name in kept.workflows.keys() - memory.workflows]
    _judge_files(verdict, kept)
    return verdict


def _judge_result(
    verdict: Verdict, kept: Kept, where: Where, place: state.Place, expected: expectations.Expected
) -> None:
    row: Any = kept.results.get(where)
    name = " ".join(where)
    settled = row.settled if row else "unknown"
    sentence = f"{name} ({place.step.type}): {expected} was expected, it is {settled}, {row and row.last_error}"
    match expected, settled:
        case "stored", "stored":
            found = kept.files.get(storage.object_name(bytes.fromhex(row.digest)))
            if not row.digest == found == place.blob.file.sha256 or row.size != place.blob.file.size:
                verdict.wrong.append(f"{name}: the bytes are not those that were served")
        case "stored", _:
            verdict.missing.append(sentence)
        case "withheld", "withheld":
            if row.blocked_reason != place.blob.scenario.withheld:
                verdict.wrong.append(f"{name}: withheld for {row.blocked_reason}, which nobody told")
        case "withheld", "dead" if row.blob_id is None and "placeholder" in row.last_error:
            pass  # a bare URL: there is no blob to ask the API for, and so nobody tells a reason
        case "gone", "gone" | "dead":
            if not row.last_error:
                verdict.wrong.append(f"{name}: nothing says why it is {settled}")
        case "gone", "unknown":
            pass  # nobody ever told of it: its workflow says why
        case _:
            verdict.wrong.append(sentence)


def _judge_workflow(verdict: Verdict, kept: Kept, workflow: state.Workflow) -> None:
    row = kept.workflows.get(workflow.id)
    if row is None:
        # What no callback told and no listing names, nobody can know.
        is_unheard = not workflow.callbacks_delivered and (
            workflow.ephemeral or "workflow_404" in workflow.scenario.own_faults
        )
        if not is_unheard:
            verdict.missing.append(f"{workflow.id}: nothing is known of the workflow")
        return
    end = [name for name in ("archived", "gone", "dead") if getattr(row, name)]
    if not end or row.due_at is not None:
        verdict.wrong.append(f"{workflow.id}: it has not come to an end: {end}, {row.status}, {row.last_error}")
    if "dead" in end and not row.last_error:
        verdict.wrong.append(f"{workflow.id}: nothing says why it is dead")
    if row.archived:
        if row.status != workflow.status:
            verdict.wrong.append(f"{workflow.id}: it ended as {workflow.status}, and is kept as {row.status}")
        _judge_manifest(verdict, kept, workflow.id, row.since)


def _judge_manifest(verdict: Verdict, kept: Kept, workflow_id: str, since: datetime) -> None:
    """The manifest alone must say of every result where it lies."""
    try:
        manifest = json.loads((kept.root / manifests.name(workflow_id, since)).read_bytes())
    except (OSError, ValueError) as error:
        verdict.missing.append(f"{workflow_id}: its manifest cannot be read: {error!r}")
        return
    told = {(workflow_id, each["step"], each["path"]): each.get("digest") for each in manifest["results"]}
    rows = {where: row.digest for where, row in kept.results.items() if where[0] == workflow_id}
    if told != rows:
        verdict.wrong.append(f"{workflow_id}: its manifest does not say what the rows do")


def _judge_files(verdict: Verdict, kept: Kept) -> None:
    wanted = {storage.object_name(bytes.fromhex(row.digest)) for row in kept.results.values() if row.digest}
    wanted |= {manifests.name(row.id, row.since) for row in kept.workflows.values()} | {storage.MARKER, browse.LOCK}
    digests = {row.digest for row in kept.results.values()}
    for name, digest in kept.files.items():
        if name.startswith("incoming/"):
            verdict.leftovers.append(name)
        elif name.startswith(f"{local.BROWSE}/"):
            if digest not in digests:
                verdict.wrong.append(f"{name}: a name for people, and no result has these bytes")
        elif name not in wanted and not name.startswith(f"{segment_files.FOLDER}/"):
            verdict.unwanted.append(f"{name}: no row names this file")
