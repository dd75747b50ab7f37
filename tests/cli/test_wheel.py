"""The wheel, installed where there is no checkout: everything that it needs is inside."""

import importlib.util
import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from archive import database
from tests.cli import commands

HOUSE = Path(__file__).parents[2]
SHARED = {"alembic.ini", "dashboards", "skills"}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ensurepip") is None, reason="a fresh environment needs ensurepip (Debian: python3-venv)"
)


@dataclass(frozen=True)
class Installed:
    """An environment of its own into which the wheel was installed, and an empty directory to work in."""

    wheel: Path
    root: Path
    elsewhere: Path

    @property
    def share(self) -> Path:
        return self.root / "share" / "civitai-archive"

    def program(self, name: str) -> Path:
        return self.root / "bin" / name


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What we depend on is lent by this environment, which was made from the lock file; all of ours is the wheel's."""
    place = tmp_path_factory.mktemp("wheel")
    root = place / "environment"
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place))
    (wheel,) = place.glob("*.whl")
    _run(sys.executable, "-m", "venv", str(root))
    _run(str(root / "bin" / "pip"), "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    (site_packages,) = root.glob("lib/python*/site-packages")
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (place / "elsewhere").mkdir()
    return Installed(wheel, root, place / "elsewhere")


def _run(*command: str) -> None:
    environment = {"PATH": os.environ["PATH"], "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def outside(alone: dict[str, str]) -> dict[str, str]:
    """An environment that does not know the checkout."""
    return {name: value for name, value in alone.items() if name != "PYTHONPATH"}


async def test_its_modules_are_its_own_and_tests_and_benches_stay_at_home(
    installed: Installed, outside: dict[str, str]
) -> None:
    rooms = ["archive", "cli", "embedded", "gateway", "migrations", "orchestration", "receiver", "sandbox", "worker"]
    script = "import importlib, sys; print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]))"
    python = installed.program("python")
    done = await commands.run("-c", script, *rooms, environment=outside, program=python, directory=installed.elsewhere)
    assert done.code == 0, done.err
    assert all(Path(file).is_relative_to(installed.root) for file in done.out.split()), done.out
    with zipfile.ZipFile(installed.wheel) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.startswith("civitai_archive-")} == set(rooms)


def test_what_is_no_code_lies_in_share(installed: Installed) -> None:
    assert {path.name for path in installed.share.iterdir()} == SHARED
    for wanted in ("dashboards/*.json", "dashboards/provisioning/*/*", "skills/*/*"):
        files = sorted(path.relative_to(HOUSE) for path in HOUSE.glob(wanted) if path.is_file())
        assert files
        for file in files:
            assert (installed.share / file).read_bytes() == (HOUSE / file).read_bytes()
    (licence,) = installed.root.glob("lib/python*/site-packages/civitai_archive-*.dist-info/licenses/LICENSE")
    assert licence.read_bytes() == (HOUSE / "LICENSE").read_bytes()


async def test_the_demo_runs(installed: Installed, outside: dict[str, str]) -> None:
    program = installed.program("civitai-archive")
    done = await commands.run("demo", environment=outside, program=program, directory=installed.elsewhere, within=100)
    assert (done.code, done.err) == (0, "")
    assert "12 of 12 workflows archived" in done.out


async def test_up_brings_everything_up(
    installed: Installed, outside: dict[str, str], account: dict[str, str], free_port: int
) -> None:
    program, environment = installed.program("civitai-archive"), outside | account
    arguments = ["up", "--port", str(free_port)]
    async with commands.started(
        *arguments, environment=environment, program=program, directory=installed.elsewhere
    ) as up:
        await up.says('"event": "up"')
        async with httpx.AsyncClient() as http:
            for port in (free_port, environment["GATEWAY_PORT"]):
                assert (await http.get(f"http://127.0.0.1:{port}/ready")).is_success
        up.send(signal.SIGTERM)
        assert await up.ends() == 0


@pytest.mark.parametrize("with_alembic", [False, True], ids=["migrate", "alembic"])
async def test_it_makes_the_tables(
    installed: Installed, outside: dict[str, str], without_tables: str, with_alembic: bool
) -> None:
    program, arguments = installed.program("civitai-archive"), ["migrate"]
    environment = outside | {"DATABASE_URL": without_tables}
    if with_alembic:
        program, arguments = installed.program("python"), ["-m", "alembic", "upgrade", "head"]
        environment |= {"ALEMBIC_CONFIG": str(installed.share / "alembic.ini")}
    done = await commands.run(*arguments, environment=environment, program=program, directory=installed.elsewhere)
    assert done.code == 0, done.err
    async with database.connect_once(without_tables, application_name="tests") as connection:
        assert (await connection.execute(text("SELECT count(*) FROM ops.workflows"))).scalar() == 0


async def test_uvicorn_and_arq_find_their_entries(
    installed: Installed, servers: dict[str, str], account: dict[str, str], free_port: int
) -> None:
    environment = {name: value for name, value in servers.items() if name != "PYTHONPATH"} | account
    python, elsewhere = installed.program("python"), installed.elsewhere
    uvicorn = ["-m", "uvicorn", "receiver.app:app", "--port", str(free_port)]
    arq = ["-m", "arq", "worker.main.WorkerSettings"]
    async with (
        commands.started(*uvicorn, environment=environment, program=python, directory=elsewhere) as receiver,
        commands.started(*arq, environment=environment, program=python, directory=elsewhere) as worker,
    ):
        await receiver.answers(f"http://127.0.0.1:{free_port}/ready")
        await worker.says("Starting worker")
        for process in (receiver, worker):
            process.send(signal.SIGTERM)
            await process.ends()
