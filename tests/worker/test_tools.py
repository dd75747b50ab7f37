from pathlib import Path

import pytest

from archive import settings
from archive.storage.incoming import PIECE_BYTES
from tests.worker.civitai import Civitai, blob, content, document, step
from worker.tools import Tools, open_tools


@pytest.mark.parametrize("variable", ["CIVITAI_API_TOKEN", "DATABASE_URL", "REDIS_URL"])
async def test_a_missing_setting_is_named(environment_there: dict[str, str], variable: str) -> None:
    del environment_there[variable]
    with pytest.raises(settings.SettingsError, match=f"^{variable} is not set"):
        async with open_tools(settings.read(environment_there)):
            pass


async def test_what_killed_workers_left_half_received_is_cleared_at_the_start(
    config_there: settings.Settings, storage: Path
) -> None:
    async with open_tools(config_there):
        (storage / "incoming").mkdir()
    (storage / "incoming" / "half").write_bytes(b"half of it")
    async with open_tools(config_there) as tools:
        assert list((storage / "incoming").iterdir()) == []
        async with tools.storage.receive() as incoming:
            await incoming.write(bytes(PIECE_BYTES))
            (received,) = (storage / "incoming").iterdir()
            async with open_tools(config_there):
                assert received.exists(), "what somebody alive receives is not abandoned"


async def test_the_token_goes_to_the_api_and_to_no_storage_host(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w", step("s", blob("b", civitai.serves("b", content(b"x")))))
    await tools.api.get("w")
    async with tools.blobs.open(f"{civitai.blob_url}/b") as opened:
        assert b"".join([chunk async for chunk in opened.chunks]) == b"x"
    (head,) = civitai.heads
    assert "authorization" not in head.lower()
    assert "a-token" not in head


async def test_a_call_that_fails_is_not_repeated_behind_the_archive_s_back(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = 503
    with pytest.raises(Exception, match="HTTP 503"):
        await tools.api.get("w")
    assert civitai.calls == ["GET /v2/consumer/workflows/w"]
