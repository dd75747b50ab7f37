import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import events
from tests.orchestration import strategies

FIELDS = ["$type", "workflowId", "name", "stepName", "jobId", "status", "timestamp", "reason", "blockedReason"]


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_workflow_event_says_when_it_happened() -> None:
    event = events.parse(
        b'{"$type": "workflow", "workflowId": "wf/1", "status": "succeeded",'
        b' "timestamp": "2026-01-21T22:21:26.1234567Z", "details": {"steps": []}}'
    )
    assert (event.scope, event.workflow_id, event.status) == ("workflow", "wf/1", "succeeded")
    assert event.occurred_at == datetime(2026, 1, 21, 22, 21, 26, 123456, tzinfo=UTC)
    assert (event.step_name, event.job_id, event.reason) == (None, None, None)
    assert event.body["details"] == {"steps": []}


def test_a_step_event_names_its_step() -> None:
    event = events.parse(b'{"$type": "step", "workflowId": "w", "name": "upscale", "status": "processing"}')
    assert (event.scope, event.step_name, event.occurred_at) == ("step", "upscale", None)


def test_a_job_event_brings_the_reasons_that_nothing_else_brings() -> None:
    event = events.parse(
        b'{"$type": "job", "workflowId": "w", "stepName": "0", "jobId": "j", "status": "failed", "reason": "a\\u0000b",'
        b' "blockedReason": "csam"}'
    )
    assert (event.scope, event.step_name, event.job_id) == ("job", "0", "j")
    assert (event.reason, event.blocked_reason) == ("a\ufffdb", "csam")
    assert event.body["reason"] == "a\x00b"


@pytest.mark.parametrize(
    ("told", "scope"),
    [
        ("workflow", "workflow"),
        ("WORKFLOW", "workflow"),
        ("workflowEvent", "workflow"),
        ("step", "step"),
        ("WorkflowStepEvent", "step"),
        ("Job", "job"),
        ("workflowStepJobEvent", "job"),
    ],
)
def test_a_known_type_decides_in_any_spelling(told: str, scope: str) -> None:
    event = events.parse(json.dumps({"$type": told, "workflowId": "w", "name": "n", "jobId": "j"}).encode())
    assert event.scope == scope


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({}, "workflow"),
        ({"status": "succeeded"}, "workflow"),
        ({"name": "0"}, "step"),
        ({"stepName": "0"}, "step"),
        ({"stepName": "0", "jobId": "j"}, "job"),
        ({"jobId": None, "name": None}, "workflow"),
    ],
)
@pytest.mark.parametrize("told", [{}, {"$type": None}, {"$type": "event"}, {"$type": 3}])
def test_without_a_known_type_the_fields_decide(fields: dict[str, Any], scope: str, told: dict[str, Any]) -> None:
    assert events.parse(json.dumps({**told, "workflowId": "w", **fields}).encode()).scope == scope


def test_what_is_absent_is_none() -> None:
    event = events.parse(b'{"workflowId": "w", "status": null, "timestamp": "yesterday"}')
    assert (event.status, event.occurred_at, event.blocked_reason) == (None, None, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is not JSON (Expecting value at character 0)"),
        (b"\xff", "it is not UTF-8 (byte 0)"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[]", "it is not a JSON object"),
        (b'"workflow"', "it is not a JSON object"),
        (b"{}", "it has no workflowId"),
        (b'{"workflowId": ""}', "it has no workflowId"),
        (b'{"workflowId": null}', "it has no workflowId"),
        (b'{"workflowId": "w", "timestamp": 5}', "its timestamp is not text"),
        (b'{"workflowId": "w", "reason": ["a"]}', "its reason is not text"),
        (b'{"workflowId": "w", "blockedReason": true}', "its blockedReason is not text"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(events.Unreadable) as refusal:
        events.parse(data)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("value", [7, ["w"], {"id": "w"}, True, "a\x00b", "\ud800", "é" * 257])
@pytest.mark.parametrize("field", ["workflowId", "stepName", "jobId", "status"])
def test_an_identifier_that_cannot_be_one_is_refused(field: str, value: object) -> None:
    fields = {"$type": "job", "workflowId": "w", "stepName": "s", "jobId": "j", field: value}
    with pytest.raises(events.Unreadable, match=f"its {field} is not text"):
        events.parse(json.dumps(fields).encode())


def test_an_identifier_of_512_bytes_is_taken() -> None:
    assert events.parse(body(workflowId="é" * 256)).workflow_id == "é" * 256


@given(st.one_of(st.binary(), strategies.JSON.map(lambda value: json.dumps(value).encode())))
def test_arbitrary_bytes_are_read_or_unreadable(data: bytes) -> None:
    with contextlib.suppress(events.Unreadable):
        events.parse(data)


@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(strategies.SCALARS, st.just("job"), st.just([]))))
def test_whatever_is_read_can_be_stored(fields: dict[str, Any]) -> None:
    try:
        event = events.parse(json.dumps(fields).encode())
    except events.Unreadable:
        return
    texts = [event.workflow_id, event.step_name, event.job_id, event.status, event.reason, event.blocked_reason]
    for text in texts:
        assert text is None or "\x00" not in text.encode().decode()
    assert event.workflow_id
