import json
from pathlib import Path

import pytest

from tests.clients import inspector, javascript


@pytest.mark.parametrize("directory", [javascript.HERE, inspector.HERE])
def test_the_lock_file_names_no_registry(directory: Path) -> None:
    locked = json.loads((directory / "package-lock.json").read_text())
    assert [name for name, package in locked["packages"].items() if "resolved" in package] == []
    assert all(package["integrity"].startswith("sha512-") for name, package in locked["packages"].items() if name)
