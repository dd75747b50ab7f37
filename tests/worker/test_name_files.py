"""Names for people appear as workflows are archived, and hold nothing up."""

import hashlib
from dataclasses import replace
from pathlib import Path

from archive.storage import object_name
from tests.worker import files, rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker.archive_workflow import archive_workflow
from worker.tools import Tools

CAT, DOG = picture(b"a cat"), picture(b"a dog")


def shown(storage: Path) -> dict[str, bytes]:
    """Names without their day, which is today, and what is in them."""
    tree = storage / "browse"
    return {path.name: path.read_bytes() for path in tree.glob("*/*/*/*")}


async def archived(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document(
        "w",
        step("one", blob("cat", civitai.serves("cat", content(CAT))), blob("dog", civitai.serves("dog", content(DOG)))),
    )
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert (await rows.one(tools.engine, "SELECT archived_at FROM workflows"))["archived_at"]


async def test_an_archived_workflow_s_results_have_names(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archived(tools, civitai)
    assert shown(storage) == {"a_cat-w-one-001.png": CAT, "a_cat-w-one-002.png": DOG}


async def test_a_name_follows_its_result_to_another_object(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archived(tools, civitai)
    cat = storage / object_name(hashlib.sha256(CAT).digest())
    cat.rename(storage / "damaged")
    await rows.execute(tools.engine, "UPDATE objects SET damaged_at = now() WHERE digest = sha256(:cat)", cat=CAT)
    await rows.execute(
        tools.engine, "UPDATE results SET stored_at = NULL, object_digest = NULL, url = url WHERE blob_id = 'cat'"
    )
    await rows.execute(tools.engine, "UPDATE workflows SET due_at = now()")
    await archive_workflow(tools, "w")
    (link,) = (storage / "browse").rglob("*001.png")
    assert link.samefile(cat)


async def test_without_a_template_there_are_no_names(tools: Tools, civitai: Civitai, storage: Path) -> None:
    await archived(replace(tools, browse=None), civitai)
    assert not (storage / "browse").exists()


async def test_names_that_cannot_be_made_hold_nothing_up(tools: Tools, civitai: Civitai, storage: Path) -> None:
    (storage / "browse").write_text("in the way")
    await archived(tools, civitai)
    assert sorted(files.objects(storage).values()) == sorted([CAT, DOG])
