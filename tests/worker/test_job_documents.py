"""The documents of jobs, where the token may read them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from archive import access, settings
from orchestration.wire import JsonObject
from tests import working
from tests.worker import rows
from tests.worker.civitai import Civitai, document, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

SCORES = {"hive_csam_score": "0.00 %", "nsfwLevel": "pg"}


def job(job_id: str) -> JsonObject:
    return {"job": {"id": job_id}, "lastEvent": {"type": "Succeeded", "provider": "ValdiAI", "context": SCORES}}


def with_jobs(*job_ids: str) -> JsonObject:
    jobs = [{"id": job_id, "status": "succeeded"} for job_id in job_ids]
    return document("w", {**step("s"), "jobs": jobs})


async def archive(tools: Tools) -> None:
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")


async def test_moderation_scores_and_provider_can_be_asked_for_in_sql(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.jobs["j/1"] = with_jobs("j/1"), job("j/1")
    await archive(tools)
    kept = await rows.one(
        tools.engine,
        "SELECT id, provider, document->'lastEvent'->'context'->>'hive_csam_score' AS score FROM jobs",
    )
    assert tuple(kept.values()) == ("j/1", "ValdiAI", "0.00 %")
    assert await rows.archived(tools.engine)


async def test_a_job_that_civitai_does_not_know_holds_nothing_up(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.jobs["known"] = with_jobs("known", "unknown"), job("known")
    await archive(tools)
    kept = await rows.select(tools.engine, "SELECT document IS NULL AS none, refused_at FROM jobs ORDER BY id")
    assert [row["none"] for row in kept] == [False, True]
    assert kept[1]["refused_at"] is not None
    row = await rows.one(tools.engine, "SELECT archived_at, due_at FROM workflows")
    assert (row["archived_at"] is None, row["due_at"]) == (False, None)


async def test_a_token_that_may_not_read_jobs_is_not_sent_for_every_one(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = with_jobs("a", "b", "c")
    civitai.jobs.update({"a": 403, "b": 403, "c": 403})
    await archive(tools)
    assert sum("jobs" in call for call in civitai.calls) == 1
    assert await rows.archived(tools.engine)
    assert [pause["cause"] for pause in await rows.select(tools.engine, "SELECT cause FROM pauses")] == ["jobs"]

    # That pause is for jobs alone: workflows are fetched as ever.
    await rows.tell(tools.engine, "v")
    civitai.workflows["v"] = {**with_jobs("d"), "id": "v"}
    await archive_workflow(tools, "v")
    assert await rows.archived(tools.engine, 2)
    assert sum("jobs" in call for call in civitai.calls) == 1


async def test_a_job_that_cannot_be_fetched_now_is_fetched_later_and_the_workflow_is_archived_meanwhile(
    tools: Tools, civitai: Civitai
) -> None:
    civitai.workflows["w"], civitai.jobs["j"] = with_jobs("j"), 503
    await archive(tools)
    row = await rows.one(tools.engine, "SELECT archived_at, due_at - now() AS wait FROM workflows")
    assert row["archived_at"] is not None
    assert timedelta(seconds=30) < row["wait"] < timedelta(minutes=2)
    civitai.jobs["j"] = job("j")
    await rows.let_time_pass(tools.engine)
    await archive_workflow(tools, "w")
    row = await rows.one(tools.engine, "SELECT provider, document_at FROM jobs")
    assert (row["provider"], row["document_at"] is None) == ("ValdiAI", False)
    row = await rows.one(tools.engine, "SELECT due_at FROM workflows")
    assert row["due_at"] is None


async def test_a_pause_does_not_keep_a_workflow_from_being_archived(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.jobs["j"] = with_jobs("j"), 429
    await archive(tools)
    assert await rows.archived(tools.engine)
    row = await rows.one(tools.engine, "SELECT due_at, refused_at FROM workflows, jobs")
    assert row["due_at"] is not None, "it is asked for again"
    assert row["refused_at"] is None


async def test_our_secret_is_struck_from_the_document_of_a_job(
    environment_there: dict[str, str], tools: Tools, civitai: Civitai
) -> None:
    secret = "a-secret-of-this-test"
    civitai.workflows["w"] = with_jobs("j")
    civitai.jobs["j"] = {**job("j"), "callbackUrl": f"https://archive.example/callbacks?token={secret}&run=7"}
    there = environment_there | {"CALLBACK_SECRETS": f"main:{secret}"}
    await archive(replace(tools, access=access.Access(settings.read(there).callback_secrets)))
    kept = await rows.one(tools.engine, "SELECT document::text AS document FROM jobs")
    assert "run=7" in kept["document"]
    assert secret not in kept["document"]


async def test_a_workflow_is_archived_before_what_is_told_late_of_its_jobs(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.jobs["j"] = with_jobs("j"), job("j")
    gate = civitai.gate("GET /v1/consumer/jobs/j")
    archiving = asyncio.create_task(archive(tools))
    await asyncio.wait_for(gate.arrived.wait(), 10)

    async def is_archived() -> bool:
        return (await rows.one(tools.engine, "SELECT archived_at FROM workflows"))["archived_at"] is not None

    await working.eventually(is_archived)
    gate.opened.set()
    await archiving
    row = await rows.one(tools.engine, "SELECT provider, document_at IS NOT NULL AS fetched FROM jobs")
    assert (row["provider"], row["fetched"]) == ("ValdiAI", True)
