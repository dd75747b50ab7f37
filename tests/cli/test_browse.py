"""`browse/` made anew from a shell."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive import holding, stores
from tests.archive.holding import Held
from tests.cli import commands

Environment = dict[str, str]


@pytest.fixture
async def held(servers: Environment, engine: AsyncEngine, tmp_path: Path) -> Held:
    """An archive with two workflows in it, of two pictures each."""
    return await holding.held(engine, servers, tmp_path / "storage")


async def test_the_tree_is_made_with_the_template_of_the_settings(held: Held) -> None:
    done = await commands.run("browse", environment=held.environment)
    assert (done.code, done.out) == (0, "4 results have their names; 0 names that did not belong there are gone.\n")
    assert held.browse() == {
        "2026/01/01/a_cat-w1-step-001.png": b"cat",
        "2026/01/01/a_cat-w1-step-002.png": b"dog",
        "2026/01/02/a_fox-w2-step-001.png": b"fox",
        "2026/01/02/a_fox-w2-step-002.png": b"cat",
    }


async def test_another_template_renames_no_object_and_leaves_no_old_name(held: Held) -> None:
    await commands.run("browse", environment=held.environment)
    before = stores.files(held.storage / "objects")
    done = await commands.run("browse", "--template", "{tag}/{workflow} {index}", environment=held.environment)
    assert "4 results have their names; 4 names that did not belong there are gone." in done.out
    assert "let workers have BROWSE_TEMPLATE='{tag}/{workflow} {index}'" in done.out
    assert len(held.browse()) == 4
    assert {name.split("/")[0] for name in held.browse()} == {"alpha", "beta"}
    assert stores.files(held.storage / "objects") == before


@pytest.mark.parametrize("templates", [("{workflow}-{index}", "{workflow}-{index}"), ("{workflow}-{index}", "{tag}")])
async def test_two_who_make_it_at_once_do_no_harm(held: Held, templates: Sequence[str]) -> None:
    async with asyncio.TaskGroup() as group:
        runs = [
            group.create_task(commands.run("browse", "--template", template, environment=held.environment))
            for template in templates
        ]
    assert [run.result().code for run in runs] == [0, 0]
    assert len(held.browse()) == 4


async def test_a_mistake_in_the_template_names_the_field_and_the_known_ones(servers: Environment) -> None:
    done = await commands.run("browse", "--template", "{promt}", environment=servers)
    done.assert_failed(2, r"--template names the field \{promt\}, .* the fields are date, year, .*extension\.$")


async def test_what_cannot_have_links_is_pointed_to_export(held: Held) -> None:
    done = await commands.run("browse", environment=held.environment | {"BROWSE_TEMPLATE": "off"})
    done.assert_failed(2, "BROWSE_TEMPLATE is off: give a --template")
