"""From the body of a submit call to a workflow, or to a `Problem` that says which field is wrong."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox import callbacks, identifiers, problems, scenario, state

MOST_TAGS = 10
LONGEST_TAG = 200  # characters
MOST_JOBS = 4  # of one step
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_EVENT = re.compile(r"(workflow|step|job):(\*|[A-Za-z]+)")
_REPEATED = ("arguments", "callbacks", "callbackUrl", "callbackEvents", "externalId", "ephemeral", "tips",
             "currencies", "experimental", "allowMatureContent", "upgradeMode")  # fmt: skip
_STEP_REPEATED = ("priority", "timeout", "retries")


def parse(body: Mapping[str, Any], memory: state.State) -> state.Workflow:
    """The workflow that the body describes, not yet kept and not yet running."""
    metadata = _object(body, "metadata")
    play = _scenario(_object(metadata, "sandbox"), "metadata.sandbox")
    number, created_at = memory.new_number(), memory.clock.now()
    dice = memory.new_dice(number)
    return state.Workflow(
        id=memory.new_workflow_id(created_at),
        number=number,
        dice=dice,
        created_at=created_at,
        tags=tags(body.get("tags") or []),
        metadata=metadata,
        fields={key: body[key] for key in _REPEATED if body.get(key) is not None},
        steps=[_step(step, number, metadata, dice) for number, step in enumerate(_steps(body))],
        registrations=_registrations(body),
        scenario=play,
        ephemeral=body.get("ephemeral") is True,
    )


def external_id(body: Mapping[str, Any]) -> str | None:
    """The `externalId` of a body, if it has one."""
    value = body.get("externalId")
    if value is not None and not (isinstance(value, str) and _EXTERNAL_ID.fullmatch(value)):
        raise problems.invalid("externalId", "externalId must be 1 to 128 of the characters A-Z a-z 0-9 _ -.")
    return value


def tags(value: object) -> list[str]:
    """The tags of a workflow, as they are submitted and changed."""
    if (
        not isinstance(value, list)
        or len(value) > MOST_TAGS
        or not all(isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG for tag in value)
    ):
        raise problems.invalid("tags", f"tags must be at most {MOST_TAGS} texts of at most {LONGEST_TAG} characters.")
    return value


def _steps(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    steps = body.get("steps")
    if not isinstance(steps, list) or not steps:
        raise problems.invalid("steps", "steps must be a list of at least one step.")
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or not isinstance(step.get("$type"), str) or not step["$type"]:
            raise problems.invalid(f"steps[{number}].$type", "Every step needs a $type.")
    names = [_name(step, number) for number, step in enumerate(steps)]
    if len(set(names)) < len(names):
        raise problems.invalid("steps", "Two steps have the same name.")
    return steps


def _step(step: dict[str, Any], number: int, inherited: dict[str, Any], dice: Any) -> state.Step:
    metadata, step_input = _object(step, "metadata"), _object(step, "input")
    wishes = {**_object(inherited, "sandbox"), **_object(metadata, "sandbox")}
    quantity = step_input.get("quantity")
    jobs = min(MOST_JOBS, max(1, quantity)) if type(quantity) is int else 1
    return state.Step(
        type=step["$type"],
        name=_name(step, number),
        input=step_input,
        metadata=metadata,
        fields={key: step[key] for key in _STEP_REPEATED if step.get(key) is not None},
        scenario=_scenario(wishes, f"steps[{number}].metadata.sandbox"),
        jobs=[state.Job(identifiers.new_job_id(dice)) for _ in range(jobs)],
    )


def _scenario(wishes: Mapping[str, Any], where: str) -> scenario.Scenario:
    try:
        return scenario.parse(wishes)
    except ValueError as error:
        raise problems.invalid(where, str(error)) from None


def _name(step: dict[str, Any], number: int) -> str:
    name = step.get("name")
    return name if isinstance(name, str) and name else f"${number}"


def _registrations(body: Mapping[str, Any]) -> list[state.Registration]:
    listed = body.get("callbacks") or []
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise problems.invalid("callbacks", "callbacks must be a list of objects with url and type.")
    registrations = [
        _registration(f"callbacks[{number}]", entry.get("url"), entry.get("type"), entry.get("detailed"))
        for number, entry in enumerate(listed)
    ]
    if body.get("callbackUrl") is not None:
        events = body.get("callbackEvents") or ["workflow:*"]
        registrations.append(_registration("callbackUrl", body["callbackUrl"], events, False))
    return registrations


def _registration(where: str, url: object, events: object, detailed: object) -> state.Registration:
    # The sentences leave the URL out: it holds a secret.
    if not isinstance(url, str) or not callbacks.is_on_this_machine(url):
        raise problems.invalid(where, "The sandbox calls only http(s) addresses of this machine (127.0.0.1).")
    if not isinstance(events, list) or not events:
        raise problems.invalid(where, "A callback needs a list of event types such as workflow:*.")
    for event in events:
        if not isinstance(event, str) or not _EVENT.fullmatch(event):
            raise problems.invalid(where, f"{event!r} is no event type; one is workflow:* or step:succeeded.")
    return state.Registration(url, tuple(events), detailed is True)


def _object(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise problems.invalid(key, f"{key} must be a JSON object.")
    return value
