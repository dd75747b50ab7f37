from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from orchestration import documents, results
from orchestration.results import Found
from orchestration.wire import JsonObject
from tests.orchestration import strategies
from tests.orchestration.outputs import PLACES, TABLE, planted

URL = "https://blobs.example/x?sig=1"


def of(output: Any, **step: Any) -> list[Found]:
    return results.find({"id": "w", "steps": [{"name": "s", "output": output, **step}]})


def paths(found: list[Found]) -> list[str]:
    return [content.path for content in found]


@pytest.mark.parametrize(("kind", "path", "blob_type"), PLACES)
@pytest.mark.parametrize("sparse", [False, True], ids=["as published", "id and url only"])
def test_every_path_of_the_table_is_found(kind: str, path: str, blob_type: str, sparse: bool) -> None:
    blob: JsonObject = {"id": "b.bin", "url": URL}
    if not sparse:
        blob |= {"type": blob_type.removesuffix("Blob").lower() or "blob", "available": True, "nsfwLevel": "pg"}
    found = of(planted(path, blob), **{"$type": kind})
    assert len(found) == 2 ** path.count("[]")
    assert found[0].path == "output." + path.replace("[]", "[0]")
    assert {(content.step, content.blob_id, content.url) for content in found} == {("s", "b.bin", URL)}
    by_product = path.startswith(("tempBlobs", "draftCache"))
    assert {content.role for content in found} == {"by-product" if by_product else "result"}


@pytest.mark.parametrize("kind", [kind for kind, entries in TABLE.items() if not entries and kind != "transcode"])
def test_a_step_whose_document_is_its_result_has_no_content(kind: str) -> None:
    output = {
        "text": f"see {URL}",
        "choices": [
            {
                "message": {
                    "content": [{"type": "image_url", "image_url": {"url": URL}}, URL],
                    "images": [{"url": URL}],
                    "annotations": [{"id": "1", "url": URL}],
                }
            }
        ],
        "link": URL,
        "source": {"url": URL, "title": "A page"},
        "model": "urn:air:sdxl:checkpoint:civitai:1@2",
        "segments": [{"id": 0, "start": 0.5, "text": "hello"}],
        "nsfwLevel": "pg",
        "blockedReason": None,
    }
    assert of(output, **{"$type": kind}) == []


def test_all_that_a_blob_says_is_kept() -> None:
    (video,) = of(
        {
            "video": {
                "type": "video",
                "id": "v.mp4",
                "available": False,
                "url": URL,
                "urlExpiresAt": "2030-01-01T00:00:00Z",
                "blockedReason": "minor",
                "nsfwLevel": "r",
                "width": 640,
                "height": 480.0,
                "duration": 2.5,
            }
        }
    )
    assert video == Found(
        step="s",
        path="output.video",
        role="result",
        blob_id="v.mp4",
        kind="video",
        url=URL,
        url_expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        available=False,
        blocked_reason="minor",
        width=640,
        height=480,
        duration=2.5,
        nsfw_level="r",
    )


def test_the_older_shape_in_a_jobs_result_is_found() -> None:
    blob = {"blobId": "b", "url": URL, "mimeType": "video/mp4", "durationMs": 1500, "nsfwLevel": 4, "width": 8}
    found = of(None, jobs=[{"id": "j", "result": {"blobs": [{"blobId": "a"}, blob]}}])
    assert paths(found) == ["jobs[0].result.blobs[0]", "jobs[0].result.blobs[1]"]
    assert (found[1].blob_id, found[1].media_type, found[1].duration) == ("b", "video/mp4", 1.5)
    assert (found[1].nsfw_level, found[1].width, found[1].height) == ("4", 8, None)


def test_older_trainings_have_urls_without_blobs() -> None:
    epoch = {"epochNumber": 1, "blobUrl": URL, "blobName": "e1.safetensors", "blobSize": 99, "sampleImages": [URL, URL]}
    found = of({"epochs": [epoch]})
    assert paths(found) == [
        "output.epochs[0].blobUrl",
        "output.epochs[0].sampleImages[0]",
        "output.epochs[0].sampleImages[1]",
    ]
    assert [(content.url, content.blob_id, content.size) for content in found] == [
        (URL, None, 99),
        (URL, None, None),
        (URL, None, None),
    ]


def test_ids_and_urls_of_the_skills_client_are_found() -> None:
    found = of({"blobId": "a", "blobIds": ["b", "c"], "videos": [URL, {"url": URL}]})
    assert [(content.path, content.blob_id) for content in found] == [
        ("output", "a"),
        ("output.blobIds[0]", "b"),
        ("output.blobIds[1]", "c"),
        ("output.videos[0]", None),
        ("output.videos[1]", None),
    ]


def test_an_output_may_be_a_blob_itself() -> None:
    (found,) = of({"id": "t.mp4", "available": True, "url": URL, "urlExpiresAt": None, "jobId": "j"})
    assert (found.path, found.blob_id, found.available) == ("output", "t.mp4", True)


def test_a_bundle_is_told_from_a_result() -> None:
    (found,) = of({"url": URL, "entryCount": 12, "format": "zip", "expiresAt": "2030-01-01T00:00:00Z"})
    assert (found.path, found.role, found.url) == ("output", "bundle", URL)
    assert found.url_expires_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_preview_is_found_beside_its_image() -> None:
    image = {
        "id": "i", "url": URL, "previewUrl": URL + "&p", "previewUrlExpiresAt": "2030-01-01T00:00:00Z",
    }  # fmt: skip
    found = of({"images": [image]})
    assert [(content.path, content.role, content.blob_id) for content in found] == [
        ("output.images[0]", "result", "i"),
        ("output.images[0].previewUrl", "preview", None),
    ]
    assert found[1].url_expires_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_results_of_nested_steps_are_found_and_their_inputs_are_not() -> None:
    inner = {
        "$type": "imageGen",
        "name": "i",
        "input": {"images": [URL]},
        "output": {"images": [{"id": "b", "url": URL}]},
    }
    repeat = {"steps": [{"output": {"steps": [inner]}}, inner]}
    assert paths(of(repeat, input={"blobId": "no", "images": [URL]})) == [
        "output.steps[0].output.steps[0].output.images[0]",
        "output.steps[1].output.images[0]",
    ]


def test_an_echo_of_what_was_given_is_no_result() -> None:
    assert of({"sourceImage": URL, "params": {"images": [URL]}, "arguments": {"blobId": "b"}}) == []


@pytest.mark.parametrize("absurd", ["a" * 513, "a\x00b", "\ud800", 7, None])
def test_an_absurd_id_leaves_the_url(absurd: object) -> None:
    (found,) = of({"images": [{"type": "image", "id": absurd, "url": URL, "available": True}]})
    assert (found.blob_id, found.url) == (None, URL)


def test_absurd_numbers_are_not_kept() -> None:
    (found,) = of({"image": {"id": "b", "url": URL, "width": 10**30, "height": -1, "duration": "1e400", "size": 1.5}})
    assert (found.width, found.height, found.duration, found.size) == (None, None, None, None)


def test_a_blob_of_an_unknown_type_passes_through() -> None:
    (found,) = of({"hologram": {"type": "hologram", "id": "h", "available": True, "url": None}}, **{"$type": "new"})
    assert (found.kind, found.url, found.available) == ("hologram", None, True)


def test_keys_that_look_like_paths_do_not_collide() -> None:
    blob = {"id": "b", "url": URL}
    found = of({"a.b": blob, "a": {"b": blob}, "a[0]": blob, "é\x00": blob})
    assert paths(found) == ['output["a.b"]', "output.a.b", 'output["a[0]"]', 'output["\\u00e9\\u0000"]']


def test_paths_stay_short_and_apart() -> None:
    blob = {"id": "b", "url": URL}
    found = of({"k" * 5000: [blob, blob], "k" * 5001: blob})
    assert len(set(paths(found))) == 3
    assert all(len(path.encode()) <= 512 for path in paths(found))


def test_hundreds_of_frames_come_in_their_order() -> None:
    found = of({"frames": [{"id": f"f{number}", "url": URL} for number in range(500)]})
    assert [content.blob_id for content in found] == [f"f{number}" for number in range(500)]


def test_bottomless_documents_do_not_crash_the_walk() -> None:
    value: Any = {"id": "b", "url": URL}
    for _ in range(50_000):
        value = {"images": [value]}
    assert of(value) == []


def test_a_blob_that_stands_by_itself_is_read() -> None:
    found = results.read_blob({"id": "b", "url": URL, "available": True, "type": "image"})
    assert found == Found("", "", "result", blob_id="b", url=URL, available=True, kind="image")


@given(strategies.DOCUMENTS)
def test_the_finder_takes_any_document(document: JsonObject) -> None:
    found = results.find(document)
    assert found == results.find(document)
    places = [(content.step, content.path) for content in found]
    assert len(set(places)) == len(places)
    assert {content.step for content in found} <= {step.name for step in documents.read(document).steps}
    for content in found:
        for text in (content.path, content.kind, content.blob_id, content.url, content.blocked_reason):
            assert text is None or "\x00" not in text.encode().decode()


@given(strategies.JSON, strategies.JSON)
def test_nothing_of_an_input_is_a_result(given: Any, output: Any) -> None:
    assert of(None, input=given) == []
    assert of({"input": given, "step": {"input": given}}) == []
    assert of(output, input=given) == of(output)
