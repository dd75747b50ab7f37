"""The two origins, as tables of contents."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from sandbox import (
    api_faults,
    blobs,
    consumer,
    control,
    fault_control,
    faults,
    jobs,
    manager,
    middleware,
    passing,
    problems,
    runs,
    state,
    storage_host,
    tags,
    updates,
)


def api(
    memory: state.State,
    tokens: middleware.Tokens,
    chance: faults.Chance,
    playing: runs.Runs,
    workflows: consumer.Consumer,
    users: manager.Manager,
    files: blobs.Blobs,
) -> Starlette:
    """The orchestrator's API, and the stand-in's own control surface beside it."""
    calls, work = api_faults.ApiFaults(memory, chance), jobs.Jobs(memory)
    changes, labels = updates.Updates(memory, playing), tags.Tags(memory)
    report, trouble = control.Control(memory, chance), fault_control.FaultControl(chance, calls)
    time = passing.Passing(memory, playing)
    around = calls.around
    token_required = [Middleware(middleware.RequireToken, tokens=tokens)]
    manager_required = [Middleware(middleware.RequireToken, tokens=tokens, for_managers=True)]
    one, step = "/workflows/{workflow_id}", "/workflows/{workflow_id}/steps/{step_name:path}"
    return Starlette(
        routes=[
            Route("/v2/consumer/blobs/blocked/{token}", files.placeholder),
            Mount(
                "/v2/consumer",
                routes=[
                    Route("/workflows", around(workflows.submit), methods=["POST"]),
                    Route("/workflows", around(workflows.query)),
                    Route(one, around(workflows.get, "workflow")),
                    Route(one, around(changes.put, "workflow"), methods=["PUT"]),
                    Route(one, around(changes.patch, "workflow"), methods=["PATCH"]),
                    Route(one, around(changes.delete, "workflow"), methods=["DELETE"]),
                    Route(step, around(workflows.get_step, "workflow")),
                    Route(step, around(changes.put_step, "workflow"), methods=["PUT"]),
                    Route(step, around(changes.patch_step, "workflow"), methods=["PATCH"]),
                    Route(f"{one}/tags", around(labels.add, "workflow"), methods=["POST"]),
                    Route(f"{one}/tags", around(labels.clear, "workflow"), methods=["DELETE"]),
                    Route(f"{one}/tags/{{tag:path}}", around(labels.remove, "workflow"), methods=["DELETE"]),
                    Route("/blobs/{blob_id}", around(files.redirect, "blob")),
                    Route("/blobs/{blob_id}/refresh", around(files.refresh, "blob"), methods=["POST"]),
                ],
                middleware=token_required,
            ),
            Mount("/v1/consumer", routes=[Route("/jobs/{job_id}", around(work.get))], middleware=token_required),
            Mount("/v1/manager", routes=[Route("/workflows", around(users.query))], middleware=manager_required),
            Route("/sandbox/blobs", report.blobs),
            Route("/sandbox/workflows", report.workflows),
            Route("/sandbox/requests", report.requests),
            Route("/sandbox/faults", trouble.set, methods=["POST"]),
            Route("/sandbox/faults", trouble.tell),
            Route("/sandbox/clock", time.forward, methods=["POST"]),
            Route("/sandbox/clock", time.tell),
            Route("/sandbox/forget", time.forget, methods=["POST"]),
        ],
        middleware=[Middleware(middleware.Record, memory=memory, origin="api")],
        exception_handlers={problems.Problem: problems.on_problem, HTTPException: problems.on_problem},
    )


def blob_host(memory: state.State, files: storage_host.StorageHost) -> Starlette:
    """The storage host: signed URLs only."""
    return Starlette(
        routes=[Route("/blobs/{blob_id}", files.serve)],
        middleware=[Middleware(middleware.Record, memory=memory, origin="blob")],
    )
