import os
from pathlib import Path

from bench import processes
from tests.working import eventually


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_process_that_was_killed_is_started_again_and_ends_with_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ["sandbox", "--api-port", "0", "--blob-port", "0"]
    async with processes.running(command, os.environ, log) as process:
        first = process.pid
        assert os.getsid(first) == first

        async def says_that_it_is_up(times: int) -> bool:
            return log.read_text().count("stand-in orchestrator is up") == times

        await eventually(lambda: says_that_it_is_up(1))
        assert process.kill()
        await eventually(lambda: says_that_it_is_up(2))
        second = process.pid
        assert second != first
        assert process.kills == 1
    assert not is_alive(second)


async def test_what_ends_by_itself_is_started_again_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with processes.running(["no-such-command"], os.environ, log) as process:
        first = process.pid

        async def it_is_another() -> bool:
            return process.pid != first

        await eventually(it_is_another)
        assert process.kills == 0
