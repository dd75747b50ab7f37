import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document

PUBLISHED: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "contract" / "output-paths.json").read_text())
# Types whose output holds content in ways that the published table does not show.
ODD = {"blobArchive", "imageResourceTraining", "transcode"}


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


def blobs(tree: Any, path: str = "") -> dict[str, Document]:
    """Every blob object by its path, lists' positions included."""
    match tree:
        case {"id": _, "available": _}:
            return {path.removesuffix("."): tree}
        case dict():
            return {at: blob for key, value in tree.items() for at, blob in blobs(value, f"{path}{key}.").items()}
        case list():
            stem = path.removesuffix(".")
            return {at: blob for n, value in enumerate(tree) for at, blob in blobs(value, f"{stem}[{n}].").items()}
        case _:
            return {}


@pytest.mark.parametrize("step_type", [name for name in PUBLISHED if name not in ODD])
async def test_every_published_place_of_a_type_is_filled_and_no_other(consumer: Consumer, step_type: str) -> None:
    workflow = await consumer.run(step_type)
    found = {re.sub(r"\[\d+\]", "[]", path) for path in blobs(consumers.output(workflow))}
    assert found == {place.partition(" ")[0] for place in PUBLISHED[step_type]}
    assert consumers.output(workflow)


async def test_every_blob_of_a_type_is_listed_under_its_path_and_served(consumer: Consumer) -> None:
    workflow = await consumer.run("polyGen")
    found = blobs(consumers.output(workflow))
    listed = [entry for entry in (await consumer.served()).values() if entry["workflowId"] == workflow["id"]]
    assert {entry["path"] for entry in listed if not entry["path"].endswith(".previewUrl")} == found.keys()
    for blob in found.values():
        assert await consumer.holds(await consumer.storage.get(blob["url"]), blob)


async def test_blobs_say_what_their_kind_says(consumer: Consumer) -> None:
    common = {"id", "available", "url", "urlExpiresAt", "jobId", "type", "nsfwLevel"}
    image = consumers.image(await consumer.run())
    assert image.keys() == common | {"width", "height", "previewUrl", "previewUrlExpiresAt"}
    assert (image["width"], image["height"]) == (64, 64)
    assert (await consumer.storage.get(image["previewUrl"])).headers["content-type"] == "image/jpeg"
    video = consumers.output(await consumer.run("videoGen"))["video"]
    assert video.keys() == common | {"width", "height"}
    audio = consumers.output(await consumer.run("textToSpeech"))["audioBlob"]
    assert audio.keys() == common | {"duration"}
    model = consumers.output(await consumer.run("polyGen"))["fbxModel"]
    assert model.keys() == common | {"format"}
    assert model["format"] == "fbx"


@pytest.mark.parametrize(
    ("step_type", "wishes", "path", "count"),
    [
        ("imageGen", {"quantity": 3}, "images", 3),
        ("imageGen", {"quantity": 0}, "images", 0),
        ("videoFrameExtraction", {"maxFrames": 40}, "frames", 40),
        ("training", {"epochs": 4}, "epochs", 4),
    ],
)
async def test_lists_are_as_long_as_the_input_says(
    consumer: Consumer, step_type: str, wishes: Document, path: str, count: int
) -> None:
    assert len(consumers.output(await consumer.run(step_type, wishes))[path]) == count


async def test_a_transcode_is_itself_the_blob(consumer: Consumer) -> None:
    output = consumers.output(await consumer.run("transcode"))
    assert output.keys() == {"id", "available", "url", "urlExpiresAt", "jobId"}
    assert await consumer.holds(await consumer.storage.get(output["url"]), output)


async def test_a_bundle_has_an_address_and_no_id(consumer: Consumer) -> None:
    entries = [{"blobId": "a"}, {"blobId": "b"}, {}, "nonsense"]
    output = consumers.output(await consumer.run("blobArchive", {"entries": entries}))
    assert (output.keys(), output["entryCount"]) == ({"url", "entryCount", "format", "expiresAt"}, 3)
    assert (await consumer.storage.get(output["url"])).headers["content-type"] == "application/zip"


async def test_older_training_gives_bare_addresses(consumer: Consumer) -> None:
    output = consumers.output(await consumer.run("imageResourceTraining"))
    epoch = output["epochs"][0]
    assert len((await consumer.storage.get(epoch["blobUrl"])).content) == epoch["blobSize"]
    for address in epoch["sampleImages"]:
        assert (await consumer.storage.get(address)).headers["content-type"] == "image/jpeg"


async def test_repeat_nests_whole_steps(consumer: Consumer) -> None:
    template = {"$type": "imageGen", "input": {"width": 64, "height": 64, "quantity": 2}}
    output = consumers.output(await consumer.run("repeat", {"template": template, "times": 3}))
    assert [step["$type"] for step in output["steps"]] == ["imageGen"] * 3
    assert len(blobs(output)) == 6
    assert "steps[2].output.images[1]" in {entry["path"] for entry in (await consumer.served()).values()}


async def test_a_type_that_nobody_knows_says_that_it_was_done(consumer: Consumer) -> None:
    assert consumers.output(await consumer.run("ofNextMonth")) == {"message": "ofNextMonth is done."}


async def test_results_of_one_key_are_shared_by_workflows_of_one_type(consumer: Consumer) -> None:
    first = consumers.image(await consumer.run(cached="harbour"))
    second = consumers.image(await consumer.run(cached="harbour"))
    other = consumers.image(await consumer.run(cached="forest"))
    assert first["id"] == second["id"] != other["id"]
    places = [entry for entry in (await consumer.api.get("/sandbox/blobs")).json() if entry["id"] == first["id"]]
    assert len({place["workflowId"] for place in places}) == len(places) == 2
