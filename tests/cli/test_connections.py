from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli import asking, commands


async def test_each_part_has_its_line(
    alone: dict[str, str], environment: dict[str, str], engine: AsyncEngine, receiver: str
) -> None:
    del engine
    done = await commands.run("test", environment=alone | environment | {"PUBLIC_URL": receiver})
    assert done.code == 0, done.err
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        [name, "ok"] for name in ("Civitai", "database", "Redis", "storage", "receiver")
    ]


async def test_what_does_not_work_is_said_and_what_is_not_set_is_no_fault(
    alone: dict[str, str], account: dict[str, str], closed_port: int
) -> None:
    public_url = f"http://127.0.0.1:{closed_port}"
    refused, away = await asking.all_of(
        ("test",), environment=alone | account | {"CIVITAI_API_TOKEN": "wrong"}
    ) + await asking.all_of(("test",), environment=alone | account | {"PUBLIC_URL": public_url})
    assert refused.code == 3
    assert "Civitai   FAILED  Civitai refused the API token" in refused.out
    assert "database  -       not set" in refused.out
    away.assert_failed(1, "something does not work")
    assert f"receiver  FAILED  {public_url}/health does not answer" in away.out
