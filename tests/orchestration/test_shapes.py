from typing import Any

import pytest

from orchestration import shapes

URL = "https://blobs.example/a?sig=1"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "image", "id": "b", "available": False, "url": None},
        {"id": "b", "available": True, "url": URL, "jobId": "j", "somethingNew": []},
        {"id": "b", "url": URL},
        {"id": "b", "url": URL, "urlExpiresAt": "2030-01-01T00:00:00Z", "somethingNew": 1},
        {"type": "model3d", "id": "blob_abc.glb", "format": "glb"},
        {"blobId": "b", "somethingNew": 1},
        {"blobKey": "b", "available": True},
        {"url": URL, "mimeType": "image/png"},
        {"url": URL, "entryCount": 3, "format": "zip"},
    ],
)
def test_a_blob_is_one_under_any_key(value: dict[str, Any]) -> None:
    assert shapes.is_blob(value, "whatever", in_text=False)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": "b"},
        {"id": "b", "status": "succeeded", "cost": 1},
        {"url": URL},
        {"url": URL, "type": ["workflow:*"]},
        {"url": URL, "title": "A page", "id": "cite-1"},
        {"id": "b", "url": "not a url"},
        {"width": 3, "height": 4, "duration": 5},
        {"nsfwLevel": "pg", "blockedReason": "minor"},
        {"type": "text", "id": "m"},
    ],
)
def test_other_objects_are_not_blobs(value: dict[str, Any]) -> None:
    assert not shapes.is_blob(value, "whatever", in_text=False)


def test_under_a_key_that_names_media_a_url_is_enough() -> None:
    assert shapes.is_blob({"url": URL, "seed": 1}, "images", in_text=False)


def test_within_text_only_what_says_that_it_is_a_blob_is_one() -> None:
    assert not shapes.is_blob({"id": "a", "url": URL}, "images", in_text=True)
    assert shapes.is_blob({"id": "a", "url": URL, "available": True}, "images", in_text=True)


@pytest.mark.parametrize("key", ["images", "blobUrl", "sampleImages", "audioBlob", "video", "SVG", "thumbnail_url"])
def test_keys_that_name_media(key: str) -> None:
    assert shapes.names_media(key)


@pytest.mark.parametrize("key", ["", "model", "sourceImage", "inputVideo", "link", "homepage", "imagery", "output"])
def test_keys_that_do_not(key: str) -> None:
    assert not shapes.names_media(key)
