"""Jobs through the gateway."""

import httpx

from archive import settings
from gateway.app import create_app
from gateway.sources import HEADER
from tests import serving
from tests.gateway.conftest import Archive


async def test_a_job_is_the_same_from_both_sides(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    url = f"/v1/consumer/jobs/{known['steps'][0]['jobs'][0]['id']}"
    for query in ("", "?detailed=true", "?detailed=false"):
        live = await client.get(f"{url}{query}", headers={HEADER: "live"})
        kept = await client.get(f"{url}{query}")
        assert (kept.status_code, kept.headers[HEADER]) == (200, "archive")
        assert kept.json() == live.json()
    assert (await client.get("/v1/consumer/jobs/nobody")).status_code == 404


async def test_a_managers_listing_is_civitais_and_so_is_who_may_have_it(
    archive: Archive, environment: dict[str, str], client: httpx.AsyncClient, key: str
) -> None:
    refused = await client.get("/v1/manager/workflows", params={"UserId": "1"})
    assert (refused.status_code, refused.headers[HEADER]) == (403, "live")
    managers = settings.read(environment | {"CIVITAI_API_TOKEN": archive.sandbox.manager_token})
    async with serving.app(create_app(managers)) as url, httpx.AsyncClient(base_url=url) as manager:
        manager.headers["Authorization"] = f"Bearer {key}"
        answer = await manager.get("/v1/manager/workflows", params={"UserId": "1"})
        assert answer.status_code == 200
        assert isinstance(answer.json(), list)
