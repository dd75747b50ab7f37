import signal

import httpx
import pytest

from tests.cli import commands


async def test_it_serves_what_it_says_until_it_is_asked_to_end(alone: dict[str, str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        ports = ("--api-port", "0", "--blob-port", "0")
        playing = ("--seed", "7", "--faults", '{"truncate": 0.1}', "--manager-token", "its-own")
        async with commands.started("sandbox", *ports, *playing, environment=alone) as sandbox:
            await sandbox.says("Ctrl-C ends it.")
            exported = dict(line.split()[1].split("=", 1) for line in sandbox.said().splitlines() if "export" in line)
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {exported['CIVITAI_API_TOKEN']}"}) as http:
                answer = await http.get(f"{exported['CIVITAI_API_URL']}/v2/consumer/workflows")
                listed = await http.get(
                    f"{exported['CIVITAI_API_URL']}/v1/manager/workflows?UserId=1",
                    headers={"Authorization": "Bearer its-own"},
                )
            assert (answer.status_code, listed.status_code) == (200, 200)
            assert "the token is its-own." in sandbox.said()
            sandbox.send(number)
            assert await sandbox.ends() == 0


async def test_a_taken_port_is_one_sentence(alone: dict[str, str], taken_port: int) -> None:
    done = await commands.run("sandbox", "--api-port", str(taken_port), environment=alone)
    done.assert_failed(1, f"The sandbox cannot listen on port {taken_port} .*: choose another one")


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ("{truncate", "--faults cannot be read: write JSON such as"),
        ('{"truncate": 2}', "--faults cannot be played: The rate of the fault truncate must be a number from 0 to 1"),
    ],
)
async def test_faults_that_cannot_be_played_are_one_sentence(alone: dict[str, str], faults: str, sentence: str) -> None:
    (await commands.run("sandbox", "--faults", faults, environment=alone)).assert_failed(2, sentence)
