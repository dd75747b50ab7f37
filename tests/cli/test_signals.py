import signal
import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, sys
from cli import signals

async def work():
    try:
        print("begun", flush=True)
        await asyncio.sleep(float(sys.argv[1]))
    finally:
        print("stopping", flush=True)
        await asyncio.sleep(0.3)
        print("stopped", flush=True)

print(signals.run(work()))
"""

BEFORE_THE_LOOP_LISTENS = """
import asyncio, os, signal
from cli import signals

class Interrupted(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        os.kill(os.getpid(), signal.SIGINT)
        return super().new_event_loop()

asyncio.set_event_loop_policy(Interrupted())
signals.run(asyncio.sleep(60))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_more_of_them_change_nothing(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT, "60"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == f"stopped\n{number}\n"
    assert process.returncode == 0


def test_work_that_is_done_was_ended_by_no_signal() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, "0"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "None"


def test_ctrl_c_before_anything_has_begun_ends_it_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", BEFORE_THE_LOOP_LISTENS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
