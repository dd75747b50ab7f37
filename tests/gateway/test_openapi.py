"""The OpenAPI document: true to the routes, committed, and kept to by every answer."""

import asyncio
import json
import re

import httpx

from bench import fuzz
from gateway import describe, openapi, routes
from tests.gateway.conftest import Archive, blob_of

CASES = 2  # of each operation; `make fuzz-gateway` makes thousands
CIVITAIS = re.compile(r"/v[12]/")


def test_the_document_that_is_committed_is_what_the_routes_say() -> None:
    assert describe.COMMITTED.read_text(encoding="utf-8") == describe.text()


def test_every_route_is_told_with_who_may_and_what_it_answers() -> None:
    document = openapi.document(routes.OPERATIONS)
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(operation.method, operation.path) for operation in routes.OPERATIONS}
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert ("security" in operation) == bool(CIVITAIS.match(path) or path == "/openapi.json"), path
            assert {"4XX", "5XX"} < operation["responses"].keys(), (method, path)


async def test_the_document_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.json() == json.loads(describe.text())


async def test_no_generated_request_breaks_a_promise(
    archive: Archive, gateway: str, client: httpx.AsyncClient, key: str
) -> None:
    del client
    (kept,) = await archive.archived()
    fresh = await archive.submit()
    known = {
        "workflowId": [kept["id"], fresh["id"]],
        "stepName": ["cats"],
        "blobId": [blob_of(kept)["id"], blob_of(fresh)["id"]],
        "jobId": [kept["steps"][0]["jobs"][0]["id"]],
    }
    done = await asyncio.to_thread(fuzz.fuzz, gateway, key, known, examples=CASES, seed=1, phases=["fuzzing"])
    assert done.failures == 0
    assert done.cases >= len(routes.OPERATIONS)
