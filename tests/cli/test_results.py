import hashlib
import shlex
import subprocess
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.archive import stores
from tests.cli import asking, commands
from tests.sandbox import consumers
from tests.worker import rows


def files(directory: Path) -> dict[str, bytes]:
    """The downloaded files by name, without their checksums."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "manifest-sha256.txt"}


def are_checked(directory: Path) -> bool:
    """Whether the real sha256sum finds every file as the manifest says."""
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"],  # noqa: S607
        cwd=directory,
        check=False,
    )
    return checked.returncode == 0


async def served(sandbox: Sandbox, *, previews: bool = True) -> set[str]:
    """The digests of what the stand-in has at its places."""
    async with consumers.of(sandbox) as consumer:
        places = (await consumer.api.get("/sandbox/blobs")).json()
    return {place["sha256"] for place in places if previews or not place["path"].endswith("previewUrl")}


async def bundled(sandbox: Sandbox, *images: str) -> asking.Document:
    """A workflow that has made one file of these blobs."""
    return await asking.ran(sandbox, "blobArchive", wishes={"entries": [{"blobId": blob} for blob in images]})


def digests(directory: Path) -> set[str]:
    return {hashlib.sha256(content).hexdigest() for content in files(directory).values()}


async def test_every_result_of_the_finder_becomes_a_file_named_for_what_it_is(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    images = await asking.ran(sandbox, "imageGen", wishes={"quantity": 2})
    training = await asking.ran(sandbox, "training", wishes={"epochs": 1, "samplesPerEpoch": 1})
    speech = await asking.ran(sandbox, "textToSpeech")
    bundle = await bundled(sandbox, "JNFDW54JNTATNW42HACYCWSQP0.jpeg")
    listed, *downloads = await asking.all_of(
        ("results", training["id"], "--json"),
        *(
            ("results", one["id"], "--download", "--dir", str(tmp_path / "all"))
            for one in (images, training, speech, bundle)
        ),
        environment=alone | account,
    )
    assert [done.code for done in downloads] == [0, 0, 0, 0], [done.err for done in downloads]
    assert {told["path"] for told in asking.documents(listed)} >= {"output.epochs[0].model"}
    assert digests(tmp_path / "all") == await served(sandbox)
    names = set(files(tmp_path / "all"))
    assert {f"{images['id']}_step_images_0.jpg", f"{training['id']}_step_epochs_0_model.safetensors"} <= names
    assert {f"{images['id']}_step_images_0_previewurl.jpg", f"{bundle['id']}_step_output.zip"} <= names
    assert are_checked(tmp_path / "all")
    assert sandbox.state.requests_authorized["blob"] == 0


async def test_what_is_archived_comes_from_storage_when_civitai_has_forgotten(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
    tmp_path: Path,
) -> None:
    workflow = await asking.ran(sandbox, "imageGen")
    await asking.archived(engine, config, workflow["id"])
    wanted = await served(sandbox, previews=False)
    sandbox.state.forget()
    directory = tmp_path / "kept"
    words = ("results", workflow["id"], "--download", "--dir", str(directory))
    first = await commands.run(*words, "--json", environment=alone | environment)
    assert {told["from"] for told in asking.documents(first)} == {"archive"}
    assert "Left out, since the archive does not keep them: 1 preview." in first.err
    assert digests(directory) == wanted
    again = await commands.run(*words, "--source=archive", "--json", environment=alone | environment)
    assert {told["from"] for told in asking.documents(again)} == {"disk"}
    damaged = next(directory.glob("*.jpg"))
    damaged.write_bytes(b"damaged")
    mended = await commands.run(*words, environment=alone | environment)
    assert mended.code == 0
    assert digests(directory) == wanted


async def test_what_is_archived_in_an_s3_bucket_comes_from_there(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    tmp_path: Path,
) -> None:
    with stores.s3_server(tmp_path / "s3") as server:
        bucket = server.environment(tmp_path.name)
        workflow = await asking.ran(sandbox, "videoGen")
        await asking.archived(engine, settings.read(environment | bucket), workflow["id"])
        wanted = await served(sandbox, previews=False)
        sandbox.state.forget()
        words = ("results", workflow["id"], "--download", "--dir", str(tmp_path / "kept"), "--json")
        done = await commands.run(*words, environment=alone | environment | bucket)
    assert {told["from"] for told in asking.documents(done)} == {"archive"}
    assert digests(tmp_path / "kept") == wanted


async def test_what_cannot_be_had_is_named_and_the_exit_code_says_so(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    withheld = await asking.ran(sandbox, withheld="csam", placeholder="redirect")
    page = await asking.ran(sandbox, faults={"html": {"times": None}})
    told, html = await asking.all_of(
        *(
            ("results", one["id"], "--download", "--dir", str(tmp_path / "files"), "--role=result")
            for one in (withheld, page)
        ),
        environment=alone | account,
    )
    for done in (told, html):
        assert done.code == 1
        assert done.err.splitlines()[-1] == "civitai-archive: 1 of 1 missing."
    assert f"Missing: {withheld['id']}_step_images_0: Civitai keeps it back (csam)." in told.err
    assert "what came is not the result: it is text/html" in html.err
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_full_disk_is_named_and_empty_files_are_not_left_on_it(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox)
    words = (commands.CIVITAI_ARCHIVE, "results", workflow["id"], "--download", "--dir", "files")
    script = f"ulimit -f 0; exec {shlex.join(map(str, words))}"
    done = await commands.run("-c", script, program=Path("/bin/sh"), environment=alone | account, directory=tmp_path)
    assert "step_images_0: files cannot be read or written: File too large." in done.err
    assert done.err.splitlines()[-1] == "civitai-archive: 2 of 2 missing."
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_broken_download_goes_on_where_it_was(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    size = 8_000_000
    workflow = await asking.ran(sandbox, size=size)
    directory = tmp_path / "files"
    words = ("results", workflow["id"], "--download", "--dir", str(directory), "--role=result")
    await asking.strike(sandbox, truncate={"times": None})
    broken = await commands.run(*words, environment=alone | account)
    assert broken.code == 1
    part = next(directory.glob(".*.part"))
    begun = part.stat().st_size
    assert 0 < begun < size
    await asking.strike(sandbox)
    sandbox.state.requests.clear()
    done = await commands.run(*words, environment=alone | account)
    assert done.code == 0, done.err
    ranges = [request.headers.get("range") for request in sandbox.state.requests if request.origin == "blob"]
    assert ranges == [f"bytes={begun}-"]
    assert digests(directory) == await served(sandbox, previews=False)
    assert sorted(path.name for path in directory.iterdir()) == sorted([*files(directory), "manifest-sha256.txt"])


async def test_names_from_the_server_never_leave_the_directory(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
    tmp_path: Path,
) -> None:
    workflow = await asking.ran(sandbox)
    await asking.archived(engine, config, workflow["id"])
    hostile = "../../step\x1b[2J/\u202eevil"
    for statement in (
        "UPDATE workflows SET document = jsonb_set(document, '{steps,0,name}', to_jsonb(cast(:name AS text)))",
        "UPDATE results SET step = :name",
    ):
        await rows.execute(engine, statement, name=hostile)
    directory = tmp_path / "a" / "b" / "files"
    done = await commands.run(
        "results", workflow["id"], "--download", "--dir", directory, "--source=archive", environment=alone | environment
    )
    assert done.code == 0, done.err
    (name,) = files(directory)
    assert name.isprintable()
    assert name.startswith(workflow["id"])
    assert [path for path in (tmp_path / "a").rglob("*") if path.is_file() and path.parent != directory] == []


async def test_a_link_in_the_way_is_not_written_through(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    workflow = await asking.ran(sandbox)
    directory, precious = tmp_path / "files", tmp_path / "precious"
    directory.mkdir()
    precious.write_text("mine")
    for name in (f".{workflow['id']}_step_images_0.part", f"{workflow['id']}_step_images_0.jpg"):
        (directory / name).symlink_to(precious)
    done = await commands.run("results", workflow["id"], "--download", "--dir", directory, environment=alone | account)
    assert done.code == 1
    (directory / f".{workflow['id']}_step_images_0.part").unlink()
    done = await commands.run("results", workflow["id"], "--download", "--dir", directory, environment=alone | account)
    assert done.code == 0, done.err
    assert precious.read_text() == "mine"
    assert digests(directory) == await served(sandbox)


async def test_mature_results_can_be_left_out(alone: dict[str, str], account: dict[str, str], sandbox: Sandbox) -> None:
    workflow = await asking.ran(sandbox, mature=True)
    with_them, without = await asking.all_of(
        ("results", workflow["id"], "--nsfw", "--json"),
        ("results", workflow["id"], "--no-nsfw", "--json"),
        environment=alone | account,
    )
    assert any(told["role"] == "result" for told in asking.documents(with_them))
    assert not any(told["role"] == "result" for told in asking.documents(without))
    assert "mature results are left out; --nsfw brings them." in without.err
