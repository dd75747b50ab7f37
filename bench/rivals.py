"""Other tools that fetch many files at once, to compare with. They neither hash nor sync what they write."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

AT_ONCE = 16
LONGEST = 180  # seconds for one run

Fetch = Callable[[Sequence[str], Path], None]


def curl(urls: Sequence[str], directory: Path) -> None:
    """`curl -Z`, all in one process."""
    wanted = directory / "wanted"
    wanted.write_text("".join(f'url="{url}"\noutput="{directory / url.rpartition("/")[2]}"\n' for url in urls))
    command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", str(AT_ONCE), "--config", str(wanted)]
    subprocess.run(command, check=True, timeout=LONGEST, stderr=subprocess.DEVNULL)


def aria2c(urls: Sequence[str], directory: Path) -> None:
    """`aria2c -j16`."""
    wanted = directory / "wanted"
    wanted.write_text("\n".join(urls))
    command = ["aria2c", "--quiet", f"-j{AT_ONCE}", "--file-allocation=none", f"-d{directory}", f"-i{wanted}"]
    subprocess.run(command, check=True, timeout=LONGEST)


def installed() -> dict[str, Fetch]:
    """Those that are on this machine, by name; says which are not."""
    found: dict[str, Fetch] = {}
    for name, fetch in (("curl", curl), ("aria2c", aria2c)):
        if shutil.which(name) is None:
            print(f"{name} is not installed here and is left out.")
        else:
            found[name] = fetch
    return found
