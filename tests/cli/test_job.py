from sandbox.server import Sandbox
from tests.cli import asking


async def test_a_job_s_scans_stand_first(alone: dict[str, str], account: dict[str, str], sandbox: Sandbox) -> None:
    workflow = await asking.ran(sandbox, "textToImage", wishes={"prompt": "two cats"})
    job_id = workflow["steps"][0]["jobs"][0]["id"]
    summary, raw = await asking.all_of(("job", job_id), ("job", job_id, "--json"), environment=alone | account)
    lines = summary.out.splitlines()
    assert lines[0] == "Job Summary:"
    assert f"  Workflow ID: {workflow['id']}" in lines
    assert "  Prompt: two cats" in lines
    assert any(line.startswith("  Prompt Classification: ") for line in lines)
    context = lines[lines.index("Event Context (scan results, metrics):") + 1 :]
    assert [line.split()[1].rstrip(":") for line in context[:2]] == ["hive_csam_score", "hive_vlm_summary"]
    (document,) = asking.documents(raw)
    assert document["lastEvent"]["context"]["hive_csam_score"]
