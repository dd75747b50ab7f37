from pathlib import Path

import pytest

from archive import settings
from cli import account
from sandbox.server import Sandbox
from tests.cli import commands


@pytest.mark.parametrize("folder", [".claude/skills/civitai-orchestration", "."])
async def test_token_and_address_are_read_as_the_skill_reads_them(
    alone: dict[str, str], sandbox: Sandbox, tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / ".env").write_text(
        f"# mine\nexport CIVITAI_API_TOKEN='{sandbox.token}'\nCIVITAI_API_URL={sandbox.api_url}\nSTORAGE_URL=nonsense\n"
    )
    done = await commands.run("workflows", environment=alone, directory=tmp_path)
    assert done.code == 0, done.err
    assert done.err == f"Source: live, {sandbox.api_url}\n"


async def test_without_a_token_anywhere_the_command_says_so(alone: dict[str, str], tmp_path: Path) -> None:
    done = await commands.run("workflows", environment=alone, directory=tmp_path)
    done.assert_failed(3, "CIVITAI_API_TOKEN is not set")


@pytest.mark.parametrize("name", account.TOKENS)
def test_a_token_of_the_environment_is_not_sent_to_an_address_that_a_file_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("CIVITAI_API_URL=https://evil.example\nCIVITAI_API_TOKEN=other\n")
    monkeypatch.chdir(tmp_path)
    given = {name: "mine"}
    assert account.environment(given) == given


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"CIVITAI_API_TOKEN=\xff\xfe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingsError, match=r"cannot be read from \.env"):
        account.environment({})


def test_a_line_that_cannot_be_read_is_named_and_its_neighbours_go_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("odd line of others\nCIVITAI_API_TOKEN=mine\nCIVITAI_API_URL : http://x\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(settings.SettingsError, match=r"CIVITAI_API_URL cannot be read from \.env: line 3"):
        account.environment({})


def test_quotes_comments_and_a_byte_order_mark_are_no_part_of_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(
        b"\xef\xbb\xbfCIVITAI_API_TOKEN=\"mine$HOME\" # why\r\nexport CIVITAI_API_URL='http://x'\r\n"
    )
    monkeypatch.chdir(tmp_path)
    assert account.environment({}) == {"CIVITAI_API_TOKEN": "mine$HOME", "CIVITAI_API_URL": "http://x"}
