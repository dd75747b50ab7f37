from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from sandbox.server import Sandbox
from tests.cli import asking, commands


async def test_a_manager_sees_a_user_s_workflows_and_others_what_the_archive_knows(
    alone: dict[str, str],
    environment: dict[str, str],
    sandbox: Sandbox,
    engine: AsyncEngine,
    config: settings.Settings,
) -> None:
    workflow = await asking.ran(sandbox)
    user_id = workflow["id"].partition("-")[0]
    await asking.archived(engine, config, workflow["id"])
    consumer = alone | environment
    managed = await commands.run(
        "user", user_id, "--json", environment=consumer | {"CIVITAI_API_TOKEN": sandbox.manager_token}
    )
    kept, other, live = await asking.all_of(
        ("user", user_id, "--json"), ("user", "999", "--json"), ("user", user_id, "--source=live"), environment=consumer
    )
    assert [document["id"] for document in asking.documents(managed)] == [workflow["id"]]
    assert managed.err.startswith("Source: live")
    assert [document["id"] for document in asking.documents(kept)] == [workflow["id"]]
    assert kept.err.startswith("Source: archive (Civitai refused the API token")
    assert asking.documents(other) == []
    live.assert_failed(3, f"only a manager's token may list another user's workflows.*--tag user:{user_id}")
