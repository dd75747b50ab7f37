"""`python -m dashboards`: write each dashboard's JSON beside this file (make dashboards)."""

import json
from pathlib import Path

from dashboards import archive, buzz_and_storage, civitai, service_health, workflow

DIRECTORY = Path(__file__).parent

BOARDS = {
    "service-health": service_health.BOARD,
    "archive": archive.BOARD,
    "civitai": civitai.BOARD,
    "buzz-and-storage": buzz_and_storage.BOARD,
    "workflow": workflow.BOARD,
}


def text(board: dict[str, object]) -> str:
    """A dashboard as its file holds it."""
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, board in BOARDS.items():
        (DIRECTORY / f"{name}.json").write_text(text(board))
