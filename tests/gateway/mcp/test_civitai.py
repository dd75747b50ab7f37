"""Civitai's four tools: the REST calls, for assistants."""

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import keys
from tests.conftest import SECRET
from tests.gateway.conftest import QUICK, STEP, Archive, without_addresses
from tests.gateway.mcp.assistants import assistant, refused, use
from tests.worker import rows


async def test_a_workflow_is_submitted_waited_for_and_followed(
    archive: Archive, engine: AsyncEngine, gateway: str, key: str
) -> None:
    async with assistant(gateway, key) as client:
        body = {"steps": [STEP], "metadata": QUICK}
        submitted = await use(client, "civitai-submit-workflow", body=body, wait=20)
        assert submitted["status"] == "succeeded"
        assert (await rows.one(engine, "SELECT id, origin FROM workflows"))["id"] == submitted["id"]
        estimate = await use(client, "civitai-submit-workflow", body=body, whatif=True)
        assert estimate["cost"]["total"] > 0
    assert len(archive.sandbox.state.workflows) == 1


async def test_what_civitai_has_forgotten_is_still_told_with_links_that_work(
    archive: Archive, gateway: str, key: str
) -> None:
    (before,) = await archive.archived()
    archive.sandbox.state.forget()
    async with assistant(gateway, key) as client:
        got = await client.call_tool("civitai-get-workflow", {"workflowId": before["id"]})
        assert (got.meta or {})["civitai-archive/source"] == "archive"
        assert without_addresses(got.structured_content) == without_addresses(before)
        url = got.structured_content["steps"][0]["output"]["images"][0]["url"]
        assert url.startswith(f"{gateway}/v2/consumer/blobs/")
        page = await use(client, "civitai-query-workflows", source="archive", hideMatureContent=False)
        assert without_addresses(page["items"]) == [without_addresses(before)]


async def test_pages_of_a_query_follow_one_another(archive: Archive, gateway: str, key: str) -> None:
    ids = [workflow["id"] for workflow in await archive.archived(3, tags=["a", "b"])]
    async with assistant(gateway, key) as client:
        for source in ("live", "archive"):
            page = await use(client, "civitai-query-workflows", take=2, tags=["a", "b"], ascending=True, source=source)
            assert [item["id"] for item in page["items"]] == ids[:2]
            last = await use(
                client, "civitai-query-workflows", take=2, tags=["a", "b"], ascending=True, cursor=page["next"]
            )
            assert [item["id"] for item in last["items"]] == ids[2:]


async def test_a_workflow_is_canceled_and_canceling_it_again_changes_nothing(
    archive: Archive, gateway: str, key: str
) -> None:
    async with assistant(gateway, key) as client:
        body = {"steps": [STEP], "metadata": {"sandbox": {"seconds": 60}}}
        running = await use(client, "civitai-submit-workflow", body=body)
        for _ in range(2):
            canceled = await use(client, "civitai-cancel-workflow", workflowId=running["id"])
            assert (canceled["id"], canceled["status"]) == (running["id"], "canceled")
    assert archive.sandbox.state.workflows[running["id"]].status == "canceled"


async def test_what_a_key_may_not_do_and_what_is_wrong_is_said_in_plain_words(
    archive: Archive, engine: AsyncEngine, gateway: str, key: str
) -> None:
    async with engine.begin() as connection:
        reader = await keys.create(connection, "reader", ["read"])
    async with assistant(gateway, reader) as client:
        said = await refused(client, "civitai-submit-workflow", body={"steps": [STEP]})
        assert said == "This key may not write: make one with --scope write."
    assert archive.sandbox.state.workflows == {}
    async with assistant(gateway, key) as client:
        assert "steps" in await refused(client, "civitai-submit-workflow", body={"steps": []})
        assert "'workflowId' is a required property" in await refused(client, "civitai-get-workflow")
        assert "Additional properties" in await refused(client, "civitai-query-workflows", limit=3)
        assert "Not Found" in await refused(client, "civitai-get-workflow", workflowId="../../health")
        for no_id in ("a\0b", ".", ".."):
            assert "no id" in await refused(client, "civitai-get-workflow", workflowId=no_id)
        assert "longer than" in await refused(client, "civitai-query-workflows", query="x" * 70_000)


async def test_no_secret_comes_out(archive: Archive, gateway: str, key: str) -> None:
    url = f"http://127.0.0.1:9/callbacks?token={SECRET}"
    (kept,) = await archive.archived(callbacks=[{"url": url, "type": ["workflow:*"]}])
    async with assistant(gateway, key) as client:
        for source in ("live", "archive"):
            got = await client.call_tool("civitai-get-workflow", {"workflowId": kept["id"], "source": source})
            assert "127.0.0.1:9/" in got.model_dump_json()
            assert SECRET not in got.model_dump_json()
