from typing import Any

import pytest

from cli import summaries


def job(**fields: Any) -> list[str]:
    return list(summaries.job(fields))


def test_the_scans_stand_first_and_what_is_nought_is_told() -> None:
    context = {"seed": 1, "nsfwLevel": 0, "hive_vlm_summary": "X", "blocked_reason": False, "hive_csam_score": 0.0}
    lines = job(lastEvent={"context": context})
    assert lines[lines.index("Event Context (scan results, metrics):") + 1 :] == [
        "  ** hive_csam_score: 0.0",
        "  ** hive_vlm_summary: X",
        "  ** blocked_reason: false",
        "  ** nsfwLevel: 0",
        "     seed: 1",
    ]


def test_what_a_prompt_was_classified_as_is_named() -> None:
    assert "  Prompt Classification: sexual, young, scan" in job(
        job={"promptClassificationResult": {"sexual": True, "young": 1, "scan": True, "cr": False}}
    )
    assert "  Prompt Classification: none" in job(promptClassificationResult={"sexual": False})


@pytest.mark.parametrize(
    "strange",
    [{}, {"job": 7}, {"lastEvent": [], "result": "none"}, {"result": [None, {}]}, {"params": {"prompt": {"a": 1}}}],
)
def test_a_strange_document_is_no_failure(strange: dict[str, Any]) -> None:
    assert job(**strange)[0] == "Job Summary:"


def test_a_row_has_a_cell_for_each_column_whatever_the_document() -> None:
    steps = [{"$type": "textToImage", "name": "a", "status": "succeeded", "input": {"prompt": "x" * 100}}, None, 7]
    for document in ({}, {"id": 7, "steps": "none"}, {"id": "w", "createdAt": "2026-01-01T00:00:00Z", "steps": steps}):
        assert len(summaries.row(document)) == len(summaries.COLUMNS)
    named = dict(zip(summaries.COLUMNS, summaries.row({"id": "w", "steps": steps}), strict=True))
    assert named["steps"] == "a:textToImage(succeeded)"
    assert len(str(named["prompt"])) == 60
