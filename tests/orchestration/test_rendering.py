import copy
import json
from typing import Any

import pytest
from hypothesis import given

from orchestration import rendering, results
from orchestration.rendering import Link
from orchestration.wire import JsonObject
from tests.orchestration import strategies
from tests.orchestration.outputs import PLACES, planted

THEIRS = "https://blobs.example/x.png?sig=1"
EXPIRY = "2031-02-03T04:05:06Z"


def ours(step: str, path: str) -> Link:
    return Link(f"https://gateway.example/{step}/{path}", EXPIRY)


def linked(document: JsonObject, **view: Any) -> JsonObject:
    """The document with an address of ours for everything that the finder finds."""
    places = [(found.step, found.path) for found in results.find(document)]
    return rendering.render(document, {place: ours(*place) for place in places}, **view)


def workflow(output: Any, **step: Any) -> JsonObject:
    return {"id": "w", "status": "succeeded", "steps": [{"name": "s", "output": output, **step}]}


@pytest.mark.parametrize(("kind", "path", "blob_type"), PLACES)
def test_every_place_of_the_table_gets_its_address(kind: str, path: str, blob_type: str) -> None:
    del blob_type
    blob = {"id": "b", "available": True, "url": THEIRS, "urlExpiresAt": "2030-01-01T00:00:00Z"}
    document = workflow(planted(path, blob), **{"$type": kind})
    before = copy.deepcopy(document)
    rendered = linked(document)
    assert document == before
    assert THEIRS not in json.dumps(rendered)
    for found in results.find(rendered):
        assert found.url == ours(found.step, found.path).url
        assert found.url_expires_at is not None
        assert found.url_expires_at.year == 2031


def test_what_has_no_link_is_as_civitai_gave_it() -> None:
    document = workflow({"images": [{"id": "a", "url": THEIRS}, {"id": "b", "url": THEIRS}]}, jobs=[{"id": "j"}, 3])
    link = ours("s", "output.images[1]")
    rendered = rendering.render(document, {("s", "output.images[1]"): link})
    assert rendered == workflow(
        {"images": [{"id": "a", "url": THEIRS}, {"id": "b", "url": link.url}]}, jobs=[{"id": "j"}, 3]
    )


def test_bare_urls_their_expiry_and_previews_get_addresses_and_ids_stay_ids() -> None:
    output = {
        "epochs": [{"blobUrl": None, "blobName": "a.safetensors", "sampleImages": [THEIRS]}],
        "images": [
            {"id": "a", "available": True, "url": THEIRS, "previewUrlExpiresAt": "2030-01-01T00:00:00Z"}
            | {"previewUrl": THEIRS}
        ],
        "blobIds": ["b.png"],
        "text": f"see {THEIRS}",
    }
    rendered = linked(workflow(output))["steps"][0]["output"]
    assert rendered["epochs"][0] == {
        "blobUrl": ours("s", "output.epochs[0].blobUrl").url,
        "blobName": "a.safetensors",
        "sampleImages": [ours("s", "output.epochs[0].sampleImages[0]").url],
    }
    assert rendered["images"][0]["previewUrl"] == ours("s", "output.images[0].previewUrl").url
    assert rendered["images"][0]["previewUrlExpiresAt"] == EXPIRY
    assert rendered["blobIds"] == ["b.png"]
    assert rendered["text"] == f"see {THEIRS}"


def test_an_expiry_that_was_not_told_is_told_with_the_address() -> None:
    image = {"id": "a", "url": THEIRS, "urlExpiresAt": None, "previewUrl": THEIRS, "previewUrlExpiresAt": None}
    rendered = linked(workflow({"images": [image]}))["steps"][0]["output"]["images"][0]
    assert (rendered["urlExpiresAt"], rendered["previewUrlExpiresAt"]) == (EXPIRY, EXPIRY)


def test_the_older_shape_gets_its_address_and_no_key_that_it_had_not() -> None:
    document = workflow(None, jobs=[{"id": "j", "result": {"blobs": [{"blobId": "b", "url": THEIRS, "width": 1}]}}])
    rendered = linked(document)["steps"][0]["jobs"][0]
    url = ours("s", "jobs[0].result.blobs[0]").url
    assert rendered == {"id": "j", "result": {"blobs": [{"blobId": "b", "url": url, "width": 1}]}}


def test_what_came_after_its_document_is_available() -> None:
    document = workflow({"video": {"id": "v", "available": False, "url": None}})
    assert linked(document)["steps"][0]["output"]["video"] == {
        "id": "v",
        "available": True,
        "url": ours("s", "output.video").url,
    }


def test_inputs_keep_the_addresses_that_they_were_given() -> None:
    asked = {"image": {"id": "a", "available": True, "url": THEIRS}}
    document = workflow({"images": [], "input": asked}, input=asked)
    assert linked(document) == document


def test_mature_content_is_hidden_from_who_does_not_want_it() -> None:
    mature = {"type": "image", "id": "a", "available": True, "url": THEIRS, "nsfwLevel": "x", "width": 8}
    mature |= {"urlExpiresAt": EXPIRY, "previewUrl": THEIRS, "previewUrlExpiresAt": EXPIRY}
    document = workflow({"images": [mature, {"id": "b", "url": THEIRS, "available": True, "nsfwLevel": "pg"}]})
    hidden, shown = linked(document, hide_mature=True)["steps"][0]["output"]["images"]
    assert hidden == {"type": "image", "id": "a", "available": False, "url": None, "nsfwLevel": "x", "width": 8}
    assert shown["url"] == ours("s", "output.images[1]").url


def test_what_an_object_is_comes_first() -> None:
    document = {"id": "w", "steps": [{"name": "s", "$type": "echo", "input": {"a": {"b": 1, "$type": "c"}}}]}
    rendered = rendering.render(document, {})
    assert rendered == document
    assert next(iter(rendered["steps"][0])) == "$type"
    assert next(iter(rendered["steps"][0]["input"]["a"])) == "$type"


@given(strategies.DOCUMENTS)
def test_no_document_raises_and_without_links_none_changes(document: JsonObject) -> None:
    assert repr(_sorted(rendering.render(document, {}))) == repr(_sorted(document))  # repr, since NaN is not itself
    linked(document, hide_mature=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted(((key, _sorted(child)) for key, child in value.items()), key=lambda item: repr(item[0]))
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_steps_and_blobs_are_found_by_name() -> None:
    blob = {"blobId": "b", "url": THEIRS}
    document = {
        "id": "w",
        "steps": [
            {"name": "s", "output": {"input": {"image": {"id": "b", "url": THEIRS, "available": True}}}},
            {"name": "s", "jobs": [{"result": {"blobs": [{"blobId": "a", "url": THEIRS}, blob]}}]},
        ],
    }
    assert rendering.find_step(document, "s#2") == document["steps"][1]
    assert rendering.find_step(document, "t") is None
    assert rendering.find_blob(document, "b") == blob
    assert rendering.find_blob(document, "c") is None
