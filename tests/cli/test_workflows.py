from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.cli import asking, commands
from tests.sandbox import consumers
from tests.worker import civitai
from tests.worker.listing import Listing, workflows


async def three(sandbox: Sandbox) -> list[str]:
    """The ids of three workflows that have ended, the first of them failed, newest first."""
    async with consumers.of(sandbox) as consumer:
        ids = []
        for number, outcome in enumerate(("failed", "succeeded", "succeeded")):
            body = consumers.body(outcome=outcome) | {"tags": ["all", f"n{number}"]}
            body["metadata"] |= {"name": f"portrait {number}"}
            body["steps"][0]["input"]["prompt"] = "a \u202eharbour\x1b[31m"
            ids.append(consumers.document(await consumer.submit(body, wait=20))["id"])
    return ids[::-1]


async def test_a_listing_is_a_table_and_says_where_the_next_page_is(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox
) -> None:
    ids = await three(sandbox)
    (first,) = await asking.all_of(("workflows", "--take=2"), environment=alone | account)
    assert first.code == 0
    assert [line.split()[0] for line in first.out.splitlines()[1:3]] == ids[:2]
    assert "step:imageGen(succeeded)" in first.out
    assert "\x1b" not in first.out
    assert "\u202e" not in first.out
    assert first.err.startswith("Source: live, http://127.0.0.1")
    cursor = first.out.splitlines()[-1].removeprefix("Next cursor: ")
    second = await commands.run("workflows", "--cursor", cursor, "--json", environment=alone | account)
    assert [document["id"] for document in asking.documents(second)] == ids[2:]
    assert "Next cursor" not in second.err


async def test_filters_narrow_a_listing_live_and_in_the_archive_alike(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    ids = await three(sandbox)
    await asking.archived(engine, config, *ids)
    for words, wanted in (
        (("--tag=all", "--tag=n2"), ids[:1]),
        (("--excludeFailed", "--oldest"), ids[1::-1]),
        (("--status", "failed", "--query=PORTRAIT"), ids[2:]),
        (("--all", "--from=2020-01-01", "--to=2100-01-01"), ids),
    ):
        live, kept = await asking.all_of(
            ("workflows", *words, "--json", "--source=live"),
            ("workflows", *words, "--json", "--source=archive"),
            environment=alone | environment,
        )
        assert [document["id"] for document in asking.documents(live)] == wanted, words
        assert [document["id"] for document in asking.documents(kept)] == wanted, words
        assert kept.err == "Source: archive\n"


async def test_pages_of_the_archive_follow_each_other(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    ids = await three(sandbox)
    await asking.archived(engine, config, *ids)
    first = await commands.run("workflows", "--take=2", "--json", "--source=archive", environment=alone | environment)
    cursor = first.err.splitlines()[0].removeprefix("Next cursor: ")
    second, wrong = await asking.all_of(
        ("workflows", "--cursor", cursor, "--json"),
        ("workflows", "--cursor=archive.nonsense", "--source=archive"),
        environment=alone | environment,
    )
    assert [document["id"] for document in asking.documents(second)] == ids[2:]
    assert second.err == "Source: archive (the cursor is one of the archive's)\n"
    wrong.assert_failed(2, "--cursor is none that the archive gave")


async def test_what_is_older_than_civitai_keeps_is_asked_of_the_archive(
    alone: dict[str, str], environment: dict[str, str], engine: AsyncEngine
) -> None:
    del engine
    done = await commands.run("workflows", "--to=2024-01-22", environment=alone | environment)
    assert done.err == "Source: archive (Civitai keeps nothing that is so old)\n"


async def test_dates_that_civitai_ignores_are_minded_here(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox
) -> None:
    await three(sandbox)
    await asking.strike(sandbox, list_dates_ignored={"times": None})
    done = await commands.run("workflows", "--to=2024-01-22", "--json", environment=alone | account)
    assert done.out == ""
    assert done.err.startswith("3 more came, which Civitai should have left out by --from, --to or --status.")


async def test_all_pages_come_whatever_the_cursor_is_called(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox
) -> None:
    ids = await three(sandbox)
    await asking.strike(sandbox, list_older_cursor={"times": None})
    done = await commands.run("workflows", "--take=1", environment=alone | account)
    assert done.out.splitlines()[-1] == f"Next cursor: {ids[0]}"


async def test_all_pages_are_listed_to_the_last(alone: dict[str, str]) -> None:
    async with civitai.running() as other:
        other.listing = Listing(workflows(250))
        environment = alone | {"CIVITAI_API_TOKEN": "a-token", "CIVITAI_API_URL": other.api_url}
        done = await commands.run("workflows", "--all", "--json", environment=environment)
        assert len({document["id"] for document in asking.documents(done)}) == 250
        other.listing = lambda query: {"items": [], "next": query.get("cursor", "again")}
        circles = await commands.run("workflows", "--all", environment=environment)
    circles.assert_failed(1, "the listing goes in circles")


async def test_numbers_and_dates_that_make_no_sense_are_usage(alone: dict[str, str]) -> None:
    done = await asking.all_of(
        ("workflows", "--take=101"),
        ("workflows", "--from=yesterday"),
        ("user", "1", "--take=11"),
        ("workflows", "--from=2026-11-22", "--to=2026-11-21"),
        environment=alone,
    )
    assert [each.code for each in done] == [2, 2, 2, 2]
    assert "'yesterday' is no date" in done[1].err
    done[3].assert_failed(2, "--from is later than --to")
