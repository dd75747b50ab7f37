"""docker-compose.yml and what it mounts, checked without a container engine."""

import os
import re
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from archive import settings
from embedded import binaries
from embedded.supervisor import Addresses
from gateway.app import create_app as create_gateway
from receiver.app import create_app as create_receiver
from tests.embedded.clients import sql
from worker.main import worker_settings

HOUSE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "receiver", "worker", "gateway", "sandbox")


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What deploy/secrets.sh makes, with a token put in by hand."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(HOUSE / "deploy" / "secrets.sh", tmp_path / "deploy")
    made = tmp_path / "secrets"
    assert "put your Civitai token" in _make_secrets(tmp_path)
    (made / "civitai_api_token").write_text("a-token\n")
    return made


def _make_secrets(place: Path) -> str:
    done = subprocess.run([str(place / "deploy" / "secrets.sh")], capture_output=True, text=True, check=True)
    return done.stdout


def environment(service: str, secrets: Path) -> dict[str, str]:
    """What the service is told, with the defaults of Compose's variables, and its secrets where they are here."""
    told: dict[str, str] = SERVICES[service]["environment"]
    mounted = {f"/run/secrets/{name}" for name in SERVICES[service]["secrets"]}
    assert {value for value in told.values() if value.startswith("/run/secrets/")} <= mounted
    given = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in told.items()}
    given = {name: re.sub(r"\$\{PUBLIC_HOST.*?\}", "archive.example.org", value) for name, value in given.items()}
    return {name: value.replace("/run/secrets", str(secrets)) for name, value in given.items()}


def test_secrets_are_made_once_and_read_by_nobody_else_on_the_machine(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert before.keys() == COMPOSE["secrets"].keys()
    assert _make_secrets(secrets.parent) == ""
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert before["database_password"].strip() in before["database_url"]
    assert all(declared["file"] == f"./secrets/{name}" for name, declared in COMPOSE["secrets"].items())


def test_each_role_understands_what_it_is_told(secrets: Path, tmp_path: Path) -> None:
    home = {"ARCHIVE_HOME": str(tmp_path / "home")}
    settings.read(environment("migrate", secrets) | home).required_database_url()
    create_receiver(settings.read(environment("receiver", secrets) | home))
    worker_settings(settings.read(environment("worker", secrets) | home))
    create_gateway(settings.read(environment("gateway", secrets) | home))
    bucket = {"STORAGE_URL": "s3://archive/civitai"}
    for role in ("worker", "gateway"):
        s3 = settings.read(environment(role, secrets) | home | bucket).s3
        assert s3 is not None


def test_the_world_reaches_caddy_alone_and_the_receiver_reaches_nothing_outside() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", [])}
    assert {name for name, port in published.items() if not port.startswith("127.0.0.1:")} == {"caddy"}
    closed = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    for name in ("receiver", "postgres", "valkey", "migrate", "reader", "s3"):
        assert set(SERVICES[name]["networks"]) <= closed
    (subnet,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert SERVICES["receiver"]["environment"]["TRUSTED_PROXIES"] == subnet["subnet"]
    assert set(SERVICES["caddy"]["networks"]) & set(SERVICES["postgres"]["networks"]) == set()


def test_who_needs_no_token_has_none() -> None:
    assert {name for name in SERVICES if "civitai_api_token" in SERVICES[name].get("secrets", ())} == {
        "worker",
        "gateway",
    }


@pytest.mark.parametrize("name", OURS)
def test_ours_may_write_to_their_volume_alone_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(volume.endswith(":/archive") for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_a_restart_policy_and_what_it_waits_for(name: str) -> None:
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["restart"] in ("no", "unless-stopped")
    assert all("condition" in wanted for wanted in service.get("depends_on", {}).values())
    assert name in (*OURS, "reader") or service["healthcheck"]["test"][0] == "CMD"


def test_what_is_mounted_and_built_from_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (HOUSE / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    ignored = (HOUSE / ".dockerignore").read_text().splitlines()
    rooms = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    assert {f"!{room}" for room in rooms} <= set(ignored)


@pytest.fixture
def login(addresses: Addresses) -> Iterator[None]:
    """Whatever becomes of archive_reader's login, it is afterwards as it was: other tests log in with it."""
    could = sql(addresses, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'archive_reader'") == "t"
    yield
    sql(addresses, f"ALTER ROLE archive_reader {'LOGIN' if could else 'NOLOGIN'} PASSWORD NULL")


@pytest.mark.usefixtures("login")
def test_the_reader_gets_its_password_as_it_stands_in_the_file(addresses: Addresses, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("it's \\ a $pass\n")
    script = (HOUSE / "deploy" / "reader.sql").read_text()
    assert "/run/secrets/reader_password" in script
    command = [str(binaries.postgres("psql")), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
    command += ["--dbname", addresses.database_url]
    subprocess.run(
        command,
        input=script.replace("/run/secrets/reader_password", str(password)),
        env={"PATH": os.environ["PATH"]},
        text=True,
        check=True,
        timeout=30,
    )
    query = "SELECT rolcanlogin AND rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'archive_reader'"
    assert sql(addresses, query) == "t"
