"""Submitting a workflow: with our callback, and so that however often it is tried it is paid for once."""

import asyncio
from dataclasses import dataclass

from archive import access, settings
from cli import account, failures, given, idempotency, printing, workflow
from orchestration import documents, errors, statuses, wire
from orchestration.client import Client
from orchestration.wire import JsonObject

KEYS = "submissions"
"""The folder in the archive's home for the keys of submissions that have not been answered."""

MOST_TAGS, TAG_CHARACTERS = 10, 200  # which Civitai takes


@dataclass(frozen=True)
class Wishes:
    """What the command line adds to a body. callback: None means ours where it is known."""

    tags: tuple[str, ...] = ()
    callback: bool | None = None
    external_id: str | None = None
    whatif: bool = False
    wait: float | None = None


def run(source: str, wishes: Wishes, *, json: bool) -> None:
    """Submit what a file, or for `-` standard input, holds, and print the workflow. Raises CommandFailed."""
    config = account.read_settings()
    body = _with_callback(_with_tags(given.an_object(source), wishes.tags), config, wishes.callback)
    document = account.struck(config, asyncio.run(_submit(config, body, wishes)))
    (printing.line if json else printing.document)(document)
    if wishes.wait is not None and not wishes.whatif and not statuses.is_terminal(document.get("status")):
        sentence = f"it has not ended within {wishes.wait:g} seconds: wait on with civitai-archive workflow --wait."
        raise failures.CommandFailed(sentence)


async def _submit(config: settings.Settings, body: JsonObject, wishes: Wishes) -> JsonObject:
    async with account.client(config) as civitai:
        if wishes.whatif:
            plan = await civitai.submit(body, whatif=True)
            told = documents.read(plan)
            cost = "not told" if told.cost is None else f"{told.cost} {told.currency or 'Buzz'}"
            printing.note(f"Cost: {cost}. Nothing was submitted.")
            return plan
        submitted = await _submit_once(config, civitai, body, wishes.external_id)
        workflow_id = submitted.get("id")
        printing.note(f"Submitted: {workflow_id}")
        if wishes.wait is None or not wire.is_identifier(workflow_id) or statuses.is_terminal(submitted.get("status")):
            return submitted
        return await workflow.until_ended(civitai, workflow_id, wishes.wait)


async def _submit_once(
    config: settings.Settings, civitai: Client, body: JsonObject, external_id: str | None
) -> JsonObject:
    """Submit with the key that is given, or with one that is kept until Civitai has answered."""
    own = external_id if external_id is not None else body.get("externalId")
    if own is not None:
        if not isinstance(own, str) or not idempotency.WORTHY.fullmatch(own):
            sentence = "the external id is not 1 to 128 letters, digits, - and _."
            raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
        return await civitai.submit(body | {"externalId": own})
    key = idempotency.Key(config.home / KEYS, config.api_url, body)
    try:
        submitted = await civitai.submit(body | {"externalId": key.value})
    except errors.Transient:
        printing.note(
            "Whether Civitai has taken it is not known. Run the same command again: "
            f"it sends the same key, {key.value}, and cannot be paid for twice."
        )
        raise
    except errors.OrchestrationError:
        key.forget()  # it was refused, so there is nothing to pay
        raise
    key.forget()
    return submitted


def _with_tags(body: JsonObject, tags: tuple[str, ...]) -> JsonObject:
    if not tags:
        return body
    own = body.get("tags")
    together = list(dict.fromkeys([*(own if isinstance(own, list) else []), *tags]))
    if len(together) > MOST_TAGS or any(len(tag) > TAG_CHARACTERS for tag in tags):
        sentence = f"Civitai takes at most {MOST_TAGS} tags of at most {TAG_CHARACTERS} characters."
        raise failures.CommandFailed(sentence, exit_code=failures.USAGE)
    return body | {"tags": together}


def _with_callback(body: JsonObject, config: settings.Settings, callback: bool | None) -> JsonObject:
    """The body with our callback behind its own, unless that is there already or not wanted."""
    if callback is False:
        return body
    if callback is None and not (config.public_url and config.callback_secrets):
        printing.note("No callback was added, so the archive will not hear of it: set PUBLIC_URL and CALLBACK_SECRETS.")
        return body
    url = access.callback_url(config.required_public_url(), config.required_callback_secrets()[0])
    own = body.get("callbacks")
    callbacks = own if isinstance(own, list) else []
    if any(isinstance(each, dict) and each.get("url") == url for each in callbacks):
        return body
    return body | {"callbacks": [*callbacks, access.callbacks_entry(url)]}
