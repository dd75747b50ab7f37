import signal

import httpx

from tests.cli import commands


async def test_it_serves_what_it_says_until_it_is_asked_to_end(alone: dict[str, str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        async with commands.started("sandbox", "--api-port", "0", "--blob-port", "0", environment=alone) as sandbox:
            await sandbox.says("Ctrl-C ends it.")
            exported = dict(line.split()[1].split("=", 1) for line in sandbox.said().splitlines() if "export" in line)
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {exported['CIVITAI_API_TOKEN']}"}) as http:
                answer = await http.get(f"{exported['CIVITAI_API_URL']}/v2/consumer/workflows")
            assert answer.status_code == 200
            sandbox.send(number)
            assert await sandbox.ends() == 0


async def test_a_taken_port_is_one_sentence(alone: dict[str, str], taken_port: int) -> None:
    done = await commands.run("sandbox", "--api-port", str(taken_port), environment=alone)
    done.assert_failed(1, f"The sandbox cannot listen on port {taken_port} .*: choose another one")
