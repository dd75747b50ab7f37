import dataclasses
import inspect
import json
from datetime import timedelta
from pathlib import Path

import pytest
from arq.worker import Function, Worker

from archive import database, queue, removals, settings
from archive.retention import Rule
from embedded.supervisor import Addresses
from tests.worker import doors, files, processes, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import archive_workflow, main
from worker.shared_writes import SharedWrites
from worker.tools import Tools


def test_the_arq_command_understands_every_setting(config_there: settings.Settings) -> None:
    assert set(main.worker_settings(config_there)) <= set(inspect.signature(Worker).parameters)


def test_every_task_has_a_time_out_and_leaves_no_result_in_the_way_of_the_next(
    config_there: settings.Settings,
) -> None:
    made = main.worker_settings(config_there)
    tasks = [*made["functions"], *made["cron_jobs"]]
    assert {task.name for task in tasks} == {
        queue.ARCHIVE_WORKFLOW,
        "sweep",
        "clear_abandoned",
        "reconcile",
        "prune",
        "remove",
        "verify",
        "count_hours",
        "close_segments",
    }
    assert all(isinstance(task, Function) for task in made["functions"])
    assert all(task.timeout_s and task.keep_result_s == 0 for task in tasks)
    assert made["keep_result"] == 0


def test_messages_are_json_and_never_pickle(config_there: settings.Settings) -> None:
    made = main.worker_settings(config_there)
    assert json.loads(made["job_serializer"]({"a": 1})) == {"a": 1}
    with pytest.raises(ValueError, match=r"."):
        made["job_deserializer"](b"\x80\x04K\x01.")


def test_nothing_else_is_made_on_demand() -> None:
    with pytest.raises(AttributeError):
        main.OtherSettings  # noqa: B018


async def test_a_database_that_is_away_fails_no_task(tools: Tools, addresses: Addresses) -> None:
    at_work = {"redis": tools.redis, "job_id": "a message"}
    async with doors.before_postgres(addresses) as door:
        await door.shut()
        away = database.create_engine(f"postgresql://archive@{door.address}/archive", application_name="away")
        shared = SharedWrites(away, tools.config)
        context: main.Context = at_work | {"tools": dataclasses.replace(tools, engine=away, single=away, shared=shared)}
        await main.run_archive_workflow(context, "w")
        await main.run_sweep(context)
        await main.run_verify(context)
        await main.run_prune(context | {"tools": dataclasses.replace(context["tools"], config=_with_a_rule(tools))})
        await main.run_remove(context)
        await main.run_reconcile(context)
        await main.run_close_segments(context)
        await away.dispose()


@pytest.mark.parametrize("answer", [429, 400, 401])
async def test_a_listing_that_is_refused_fails_no_task(tools: Tools, civitai: Civitai, answer: int) -> None:
    civitai.listing = answer
    await main.run_reconcile({"tools": tools})
    assert civitai.calls


@pytest.mark.parametrize("variable", ["CIVITAI_API_TOKEN", "DATABASE_URL", "REDIS_URL", "CIVITAI_API_URL"])
async def test_a_missing_or_wrong_setting_ends_the_command_in_one_sentence(
    environment_there: dict[str, str], tmp_path: Path, variable: str
) -> None:
    if variable == "CIVITAI_API_URL":
        environment_there[variable] = "ftp://nonsense"
    else:
        del environment_there[variable]
    log = tmp_path / "log"
    async with processes.worker(environment_there, log) as process:
        assert await process.wait() == 1
    (sentence,) = log.read_text().splitlines()
    assert sentence.startswith(f"{variable} is not ")
    assert f"Example: {variable}=" in sentence


def _with_a_rule(tools: Tools) -> settings.Settings:
    rule = Rule("no-a", "contents", tags=("a",))
    return dataclasses.replace(tools.config, prune_rules=(rule,), prune_grace=timedelta(0))


async def test_rules_of_retention_are_carried_out_on_schedule_and_without_one_nothing_is(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    cat = picture(b"a cat")
    civitai.workflows["w"] = document("w", step("one", blob("cat", civitai.serves("cat", content(cat)))))
    await rows.tell(tools.engine, "w")
    await archive_workflow.archive_workflow(tools, "w")
    await main.run_prune({"tools": tools})
    assert list(files.objects(storage).values()) == [cat]
    await main.run_prune({"tools": dataclasses.replace(tools, config=_with_a_rule(tools))})
    assert not files.objects(storage)
    await rows.execute(tools.engine, "UPDATE tombstones SET aside_at = aside_at - interval '2 h'")
    await main.run_remove({"tools": tools})
    assert not [name for name in files.names(storage) if name.startswith(removals.FOLDER)]
