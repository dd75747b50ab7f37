"""Generated requests against a gateway: Schemathesis, by the gateway's own OpenAPI document."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import openapi, routes

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
    "unsupported_method",
    "ignored_auth",
)
"""No 5xx, no answer that the document does not know, no way in without a key."""


@dataclass(frozen=True)
class Fuzzed:
    """How many requests were made, and how many of them broke a promise."""

    cases: int
    failures: int


def fuzz(
    url: str,
    key: str,
    known: Mapping[str, Sequence[str]],
    *,
    examples: int,
    seed: int,
    phases: Sequence[str] = ("coverage", "fuzzing"),
) -> Fuzzed:
    """Make about so many requests of each operation.

    known: for the parameters of paths, ids that there are; half of the requests are about those.
    phases: `coverage` tries the bounds of each schema, `fuzzing` what the dice give.
    """
    document = openapi.document(routes.OPERATIONS)
    for parameter in _of_paths(document):
        if parameter["name"] in known:
            parameter["schema"] = {"anyOf": [{"enum": list(known[parameter["name"]])}, parameter["schema"]]}
    with tempfile.TemporaryDirectory(prefix="civitai-archive-fuzz-") as directory:
        schema, report = Path(directory, "openapi.json"), Path(directory, "report.json")
        schema.write_text(json.dumps(document))
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", str(schema), "--url", url),
            *("--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS), "--continue-on-failure"),
            *("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none", "--no-color"),
            *("--phases", ",".join(phases), "--suppress-health-check", "all", "--no-shrink"),
            *("--request-timeout", "30", "--report-json-path", str(report)),
        ]
        subprocess.run(command, cwd=directory, check=False)  # what went wrong is in its report
        if not report.exists():
            raise RuntimeError("Schemathesis did not come to its report: what it wrote says why")
        told = json.loads(report.read_text())
    cases = told["test_cases"]
    return Fuzzed(cases["generated"], cases["with_failures"] + cases["errored"] + len(told["errors"]))


def _of_paths(document: dict[str, Any]) -> Sequence[dict[str, Any]]:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    return [parameter for operation in operations for parameter in operation["parameters"] if parameter["in"] == "path"]
