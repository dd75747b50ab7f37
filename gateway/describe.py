"""`python -m gateway.describe`: the OpenAPI document, printed; with `--check`, compared with docs/openapi.json."""

import json
import sys
from pathlib import Path

from gateway import openapi, routes

COMMITTED = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """The document as it is committed."""
    return json.dumps(openapi.document(routes.OPERATIONS), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Print it, or say that what is committed differs."""
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(text())
        return 0
    if COMMITTED.is_file() and COMMITTED.read_text(encoding="utf-8") == text():
        return 0
    sys.stderr.write("docs/openapi.json is not what the routes say: make openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
