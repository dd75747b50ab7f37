from sandbox.server import Sandbox
from tests.cli import asking, commands


async def test_without_a_token_the_archive_is_asked(
    alone: dict[str, str], servers: dict[str, str], sandbox: Sandbox
) -> None:
    del alone, sandbox
    done = await commands.run("workflows", environment=servers)
    assert (done.code, done.err) == (0, "Source: archive (no API token is set)\n")


async def test_an_archive_that_is_away_is_no_hindrance_to_what_is_live(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, closed_port: int
) -> None:
    workflow = await asking.ran(sandbox)
    away = alone | account | {"DATABASE_URL": f"postgresql://archive@127.0.0.1:{closed_port}/archive"}
    live, unknown, results = await asking.all_of(
        ("workflow", workflow["id"]), ("workflow", "unknown"), ("results", workflow["id"]), environment=away
    )
    assert live.code == 0
    assert unknown.code == 4
    assert unknown.err.splitlines()[0] == "The archive does not answer."
    assert results.code == 0
    assert "The archive does not answer, so everything comes from Civitai." in results.err


async def test_without_a_database_there_is_no_archive_to_ask(alone: dict[str, str], account: dict[str, str]) -> None:
    done = await commands.run("workflows", "--source=archive", environment=alone | account)
    done.assert_failed(2, "DATABASE_URL is not set, and no archive is up on this machine")
