import json
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.cli import asking
from tests.cli.test_results import digests, served
from tests.sandbox import consumers


async def test_a_blob_is_shown_and_had_from_wherever_it_is(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
    tmp_path: Path,
) -> None:
    workflow = await asking.ran(sandbox)
    blob_id = consumers.image(workflow)["id"]
    wanted = await served(sandbox, previews=False)
    both = alone | environment
    shown, had = await asking.all_of(
        ("blob", blob_id, "--json"), ("blob", blob_id, "--download", "--dir", str(tmp_path / "live")), environment=both
    )
    assert asking.documents(shown)[0]["url"].startswith(sandbox.blob_url)
    assert had.code == 0, had.err
    assert digests(tmp_path / "live") == wanted
    assert (tmp_path / "live" / f"{Path(blob_id).stem}.jpg").is_file()
    await asking.archived(engine, config, workflow["id"])
    sandbox.state.forget()
    shown, had, live, unknown = await asking.all_of(
        ("blob", blob_id),
        ("blob", blob_id, "--download", "--dir", str(tmp_path / "kept")),
        ("blob", blob_id, "--source=live", "--download", "--dir", str(tmp_path / "none")),
        ("blob", "unknown", "--source=archive", "--download"),
        environment=both,
    )
    assert {json.loads(shown.out)["sha256"]} == wanted == digests(tmp_path / "kept")
    assert live.code == 1
    assert "Civitai does not know it" in live.err
    unknown.assert_failed(4, "the archive has no blob unknown")


async def test_a_blob_comes_from_civitai_while_the_archive_is_away(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, closed_port: int, tmp_path: Path
) -> None:
    blob_id = consumers.image(await asking.ran(sandbox))["id"]
    away = {"DATABASE_URL": f"postgresql://archive@127.0.0.1:{closed_port}/archive"}
    (done,) = await asking.all_of(
        ("blob", blob_id, "--download", "--dir", str(tmp_path / "files")), environment=alone | account | away
    )
    assert done.code == 0, done.err
    assert done.err == "The archive does not answer, so everything comes from Civitai.\n"
    assert digests(tmp_path / "files") == await served(sandbox, previews=False)


async def test_a_mature_blob_can_be_left_out(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    blob_id = consumers.image(await asking.ran(sandbox, mature=True))["id"]
    (done,) = await asking.all_of(
        ("blob", blob_id, "--download", "--no-nsfw", "--dir", str(tmp_path / "none")), environment=alone | account
    )
    done.assert_failed(1, "is mature: --nsfw brings it")
