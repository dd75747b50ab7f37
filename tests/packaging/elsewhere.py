"""The commands on pages that are not typed from there, and which test, or step of the CI, runs each."""

import shlex

from tests.packaging import pages

DEMO, GATEWAY, MCP, RECEIVER, SANDBOX_SERVES, UP = (
    "tests/cli/test_demo.py::test_a_demo_that_is_kept_answers_the_lines_that_it_suggests",
    "tests/cli/test_gateway.py::test_it_serves_who_has_a_key_until_it_is_asked_to_end_and_shows_no_secret",
    "tests/cli/test_mcp.py::test_an_assistant_starts_it_and_needs_no_key",
    "tests/cli/test_receiver.py::test_several_processes_share_the_port_and_their_metrics_add_up",
    "tests/cli/test_sandbox.py::test_it_serves_what_it_says_until_it_is_asked_to_end",
    "tests/cli/test_up.py::test_one_command_archives_and_survives_the_loss_of_valkey",
)
RUN_BY = {
    ".ci/run": ".ci/run",
    "alembic downgrade": "tests/test_migrations.py::test_alembic_itself_works_too_and_sees_no_drift",
    "alembic upgrade head": "tests/cli/test_entry_points.py::test_alembic_makes_the_tables",
    "arq worker.main.WorkerSettings": "tests/cli/test_entry_points.py::test_arq_runs_the_worker",
    "civitai-archive COMMAND --help": "tests/cli/test_main.py::test_help_lists_every_command_and_explains_each",
    "civitai-archive demo --keep": DEMO,
    "civitai-archive gateway --host …": GATEWAY,
    "civitai-archive gateway --port 8080": GATEWAY,
    "civitai-archive mcp --read-only": MCP,
    "civitai-archive receiver --host 0.0.0.0 --workers 4": RECEIVER,
    "civitai-archive sandbox --seed 7": SANDBOX_SERVES,
    "civitai-archive sandbox --seed 7 --faults '{\"truncate\": 0.1}'": SANDBOX_SERVES,
    "civitai-archive status --watch": "tests/cli/test_status.py::test_a_watch_goes_on_until_ctrl_c_and_ends_well",
    "civitai-archive up": UP,
    "civitai-archive up --port 8000": UP,
    "civitai-archive worker": "tests/cli/test_worker.py::test_it_works_until_it_is_asked_to_end",
    "make check": ".ci/run",
    "make demo": "tests/cli/test_demo.py::test_the_demo_archives_a_dozen_workflows_and_leaves_nothing_running",
    "make test": ".ci/run",
    "uvicorn receiver.app:app": "tests/cli/test_entry_points.py::test_uvicorn_serves_the_receiver",
}
"""What takes minutes, or goes on until somebody ends it, or wants another place: the command, and who runs it."""


def named(command: pages.Command) -> str | None:
    """The entry of the table that this command is, if any."""
    return next((known for known in RUN_BY if command.words == shlex.split(known)), None)
