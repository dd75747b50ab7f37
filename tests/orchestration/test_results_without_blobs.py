"""An output without its blobs: what a step says, once its content is kept elsewhere."""

from typing import Any

from hypothesis import given

from orchestration import results
from tests.orchestration import strategies

URL = "https://blobs.example/x?sig=1"


def test_an_output_without_its_blobs_is_text_and_figures() -> None:
    output = {
        "images": [{"id": "b", "url": URL}],
        "epochs": [{"epochNumber": 1, "blobUrl": URL, "loss": None}],
        "blobIds": ["a"],
        "text": f"see {URL}",
        "seed": 7,
        "steps": [{"input": {"images": [URL]}, "output": {"images": [URL]}}],
    }
    assert results.without_blobs(output) == {
        "images": [],
        "epochs": [{"epochNumber": 1, "loss": None}],
        "blobIds": [],
        "text": f"see {URL}",
        "seed": 7,
        "steps": [{"input": {"images": [URL]}, "output": {"images": []}}],
    }
    assert results.without_blobs({"id": "t", "available": True, "url": URL}) is None


@given(strategies.JSON)
def test_any_output_can_be_freed_of_its_blobs(output: Any) -> None:
    left = results.without_blobs(output)
    holds_content = results.find({"id": "w", "steps": [{"name": "s", "status": "succeeded", "output": output}]})
    assert holds_content or left is output or left == output
