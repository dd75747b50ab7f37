"""Blobs of the API: where they redirect to, or what they are, and the token that stays behind."""

import pytest
from starlette.responses import RedirectResponse, Response

from orchestration import blobs, errors
from tests.orchestration.api import api, ok, refusal, talking


async def test_the_token_never_goes_along_a_redirect() -> None:
    async with api(ok({"id": "stolen"})) as elsewhere, talking(RedirectResponse(elsewhere.address)) as (client, _):
        with pytest.raises(errors.Unreachable, match="it redirects, and the token does not go along"):
            await client.get("w")
        async with client.blob("b") as answer:
            assert answer == elsewhere.address
        assert elsewhere.asked == []


async def test_a_blob_is_fetched_from_where_it_redirects_to_without_the_token() -> None:
    async with api(Response(b"bytes")) as storage:
        redirect = RedirectResponse(f"{storage.address}/b?sig=1&exp=2030-01-01T00:00:00Z", 308)
        async with talking(redirect) as (client, other), client.blob("a/b") as answer:
            assert isinstance(answer, str)
            async with blobs.BlobClient(allow_private=True) as blob_client, blob_client.open(answer) as content:
                assert b"".join([chunk async for chunk in content.chunks]) == b"bytes"
    assert other.paths == ["GET /v2/consumer/blobs/a%2Fb"]
    assert storage.query() == [("sig", "1"), ("exp", "2030-01-01T00:00:00Z")]
    assert "Authorization" not in storage.asked[0].headers
    assert "Authorization" in other.asked[0].headers


async def test_a_blob_may_redirect_within_the_api() -> None:
    redirect = Response(status_code=308, headers={"Location": "/elsewhere?x=1"})
    async with talking(redirect) as (client, other), client.blob("b") as answer:
        assert answer == f"{other.address}/elsewhere?x=1"


async def test_a_blob_may_be_answered_with_its_content() -> None:
    image = Response(b"bytes", media_type="image/png")
    async with talking(image) as (client, other), client.blob("b") as content:
        assert isinstance(content, blobs.Content)
        assert (content.media_type, content.length) == ("image/png", 5)
        assert b"".join([chunk async for chunk in content.chunks]) == b"bytes"
    assert other.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "meaning", "tries"),
    [
        (refusal(404), errors.NotFound, 1),
        (refusal(401), errors.CredentialError, 1),
        (refusal(503), errors.ServerError, 3),
        (Response(status_code=204), errors.Unreachable, 3),
    ],
)
async def test_a_blob_that_the_api_does_not_give_is_an_error_of_the_api(
    answer: Response, meaning: type[errors.OrchestrationError], tries: int
) -> None:
    async with talking(answer) as (client, other):
        with pytest.raises(meaning):
            async with client.blob("b"):
                pass
    assert len(other.asked) == tries


async def test_a_fault_of_the_caller_within_a_blob_is_not_tried_again() -> None:
    async with talking(Response(b"bytes")) as (client, other):
        with pytest.raises(errors.Truncated):
            async with client.blob("b"):
                raise errors.Truncated
    assert len(other.asked) == 1
