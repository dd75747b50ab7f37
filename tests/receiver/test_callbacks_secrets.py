"""The secret in the URL: who lacks it leaves nothing, and it is in no row and no answer."""

import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive.factories import job_event, rows, workflow_event
from tests.conftest import OTHER_SECRET, SECRET
from tests.receiver.senders import END, everything, nothing_is_stored, post


@pytest.mark.parametrize(
    "query", ["", "token=", "token", "token=wrong", f"token={SECRET}x", f"Token={SECRET}", f"a={SECRET}"]
)
async def test_whoever_lacks_the_secret_is_refused_and_leaves_nothing(
    http: httpx.AsyncClient, engine: AsyncEngine, query: str
) -> None:
    answer = await post(http, query=query)
    assert answer.status_code == 401
    assert "token" in answer.json()["error"]
    assert SECRET not in answer.text
    assert await nothing_is_stored(engine)


async def test_each_secret_is_kept_as_the_name_of_its_source(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    assert (await post(http, query=f"token={SECRET}")).status_code == 202
    assert (await post(http, query=f"token={OTHER_SECRET}")).status_code == 202
    assert await rows(engine, "SELECT source FROM events ORDER BY id") == [("first",), ("other",)]


async def test_other_parameters_are_kept_in_their_order_and_the_token_is_not(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    query = f"run=7&topic=a&token={SECRET}&run=8&empty=&%00=%ff&%E2%98%83=+"
    assert (await post(http, query=query)).status_code == 202
    assert await rows(engine, "SELECT parameters FROM events") == [
        ({"run": ["7", "8"], "topic": ["a"], "empty": [""], "\ufffd": ["\ufffd"], "☃": [" "]},)
    ]


async def test_an_escaped_token_is_the_same_token(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    escaped = "".join(f"%{ord(character):02x}" for character in SECRET)
    assert (await post(http, query=f"token={escaped}&run=7")).status_code == 202
    assert await rows(engine, "SELECT parameters FROM events") == [({"run": ["7"]},)]


async def test_the_secret_is_in_no_row_and_no_answer_however_it_is_echoed(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    echo = {"url": f"https://x/callbacks?token={SECRET}", OTHER_SECRET: [SECRET]}
    bodies = [
        {**END, "details": echo},
        workflow_event(SECRET, "succeeded"),
        job_event("wf", "failed", reason=SECRET, job_id=OTHER_SECRET),
        SECRET.encode(),
        {"token": SECRET},
    ]
    for body in bodies:
        query = f"echo={SECRET}&{OTHER_SECRET}=1&token={SECRET}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await http.post(f"/callbacks?{query}", content=content, headers={"X-Echo": SECRET, "Cookie": SECRET})
        assert answer.status_code == 202
        assert SECRET not in answer.text + str(answer.headers)
    kept = await everything(engine)
    assert "***" in kept
    assert SECRET not in kept
    assert OTHER_SECRET not in kept


async def test_an_escape_hides_no_letter_of_the_secret(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in SECRET[:5]) + SECRET[5:]
    body = f'{{"workflowId": "wf", "status": "succeeded", "echo": "{hidden}"}}'.encode()
    assert (await post(http, body)).status_code == 202
    assert SECRET not in await everything(engine)
    assert hidden not in await everything(engine)
    ((kept,),) = await rows(engine, "SELECT body FROM events")
    assert json.loads(kept)["echo"] == "***"
