"""The outputs of every step type that Civitai publishes, as far as blobs sit in them."""

import json
from pathlib import Path

from orchestration.wire import JsonObject

TABLE: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "contract" / "output-paths.json").read_text())
PLACES = [(kind, *entry.split(" ")) for kind, entries in TABLE.items() for entry in entries]
"""Step type, path, and the published type of what is there."""


def planted(path: str, blob: JsonObject) -> JsonObject:
    """An output with the blob at `a.b[]`: twice in each list."""
    head, _, rest = path.partition(".")
    value = planted(rest, blob) if rest else blob
    return {head.removesuffix("[]"): [value, value]} if head.endswith("[]") else {head: value}
