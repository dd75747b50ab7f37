import json

from tests.clients import javascript


def test_the_lock_file_names_no_registry() -> None:
    locked = json.loads((javascript.HERE / "package-lock.json").read_text())
    assert [name for name, package in locked["packages"].items() if "resolved" in package] == []
    assert all(package["integrity"].startswith("sha512-") for name, package in locked["packages"].items() if name)
