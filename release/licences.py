"""Under which licences the image's packages come; with --check, whether the page says so and each may be shipped.

What is read is what is installed here, of the packages that `requirements-server.lock` names.
"""

import re
import sys
from importlib import metadata
from pathlib import Path

HOUSE = Path(__file__).parents[1]
PAGE = HOUSE / "docs" / "licences.md"
LOCK = HOUSE / "requirements-server.lock"

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0",
    "Unlicense", "Zlib",
}  # fmt: skip
"""Those that let us ship a package beside our own code; of an `OR` one is enough, of an `AND` all are needed."""

TOLD = {
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
}
"""What older packages write → the identifier that it means."""

HEAD = """# Licences

What the image holds beside Python and Debian, each with the licence that it declares; `make licences` writes this
page. All of them may be shipped with ours, which is the [Apache License 2.0](../LICENSE).

| package | licence |
| --- | --- |
"""


def main() -> None:
    """Print the page, or check it."""
    licences = {name: licence_of(name) for name in locked()}
    page = HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in licences.items())
    if "--check" not in sys.argv[1:]:
        print(page, end="")  # noqa: T201
        return
    if unknown := [f"{name} ({licence})" for name, licence in licences.items() if not is_allowed(licence)]:
        sys.exit(f"These packages have licences that release/licences.py does not allow: {', '.join(unknown)}.")
    written = PAGE.read_text().splitlines()
    if missing := [line for line in page.splitlines() if line not in written]:
        sys.exit(f"docs/licences.md is not what the lock file says ({missing[0]}): run `make licences`.")


def locked() -> list[str]:
    """The packages of the lock file that the image installs: neither what other systems need, nor what old Pythons do.

    The image's Python is newer than any that a marker asks for, while ours here may be one of those.
    """
    names = re.findall(r"^([a-z0-9-]+)==(?!.*; *python_full_version *<)", LOCK.read_text(), re.MULTILINE)
    return [name for name in names if any(True for _ in metadata.distributions(name=name))]


def licence_of(name: str) -> str:
    """What the package says of itself, as an SPDX expression where that is known."""
    told = metadata.metadata(name)
    classified = [
        line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or [] if line.startswith("License :: ")
    ]
    free = [text.partition("\n")[0] for text in told.get_all("License") or []]
    written = [*(told.get_all("License-Expression") or []), *classified, *free]
    return next((TOLD.get(text, text) for text in written if text and text != "OSI Approved"), "none")


def is_allowed(licence: str) -> bool:
    """Whether an SPDX expression is one that we may ship: a conjunction, of alternatives or of single licences."""
    return all(any(one.strip("() ") in ALLOWED for one in part.split(" OR ")) for part in licence.split(" AND "))


if __name__ == "__main__":
    main()
