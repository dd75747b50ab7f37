"""Drift: what stands in an output, might be content, and cannot be read as such."""

from typing import Any

import pytest

from orchestration import places, results
from orchestration.wire import JsonObject


def output(value: Any) -> JsonObject:
    return {"id": "w", "steps": [{"name": "s", "$type": "new", "status": "succeeded", "output": value}]}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"hologram": "https://blobs.example/h.holo?sig=1"}, "output.hologram"),
        ({"layers": [{"href": "https://blobs.example/1"}]}, "output.layers[0].href"),
        ({"thing": {"blobId": 7, "weight": 1}}, "output.thing"),
        ({"images": [{"available": True, "urlExpiresAt": "2030-01-01T00:00:00Z", "id": "\x00"}]}, "output.images[0]"),
    ],
)
def test_what_might_be_content_and_cannot_be_read_is_drift(value: Any, path: str) -> None:
    assert [drift.path for drift in results.find_drift(output(value))] == [path]
    assert results.find(output(value)) == []


def test_what_is_nested_too_deeply_is_drift() -> None:
    value: Any = {"url": "https://blobs.example/deep"}
    for _ in range(places.MAX_DEPTH + 2):
        value = {"a": value}
    (drift,) = results.find_drift(output(value))
    assert "deeper" in drift.reason


@pytest.mark.parametrize(
    "value",
    [
        {"images": [{"id": "b.jpeg", "available": True, "url": "https://blobs.example/b"}]},
        {"images": [{"id": "b.jpeg", "available": False, "urlExpiresAt": None}]},
        {"choices": [{"message": {"content": "https://example.com/said", "url": "https://example.com"}}]},
        {"nsfwLevel": "pg", "blockedReason": None, "labels": ["cat"]},
        {"score": 1.5, "tags": ["a"], "nested": {"input": {"image": "https://example.com/given"}}},
    ],
)
def test_what_is_understood_is_no_drift(value: Any) -> None:
    assert results.find_drift(output(value)) == []


def test_a_bare_url_of_older_training_that_is_null_is_a_result_that_is_awaited() -> None:
    sample = "https://b.example/s.jpeg"
    named = {"epochNumber": 1, "blobName": "a.safetensors", "blobUrl": None, "sampleImages": [None, sample]}
    never_reached = {"epochNumber": 2, "blobName": None, "blobUrl": None, "sampleImages": None}
    output = {"epochs": [named, named | {"sampleImages": None}, never_reached], "thumbnail": None, "images": None}
    document = {"steps": [{"name": "s", "output": output}]}
    assert {one.path: (one.url, one.available) for one in results.find(document)} == {
        "output.epochs[0].blobUrl": (None, False),
        "output.epochs[0].sampleImages[0]": (None, False),
        "output.epochs[0].sampleImages[1]": (sample, None),
        "output.epochs[1].blobUrl": (None, False),
    }
    assert results.find_drift(document) == []
