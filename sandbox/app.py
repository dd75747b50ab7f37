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
    middleware,
    problems,
    state,
    storage_host,
)


def api(
    memory: state.State, token: str, chance: faults.Chance, workflows: consumer.Consumer, files: blobs.Blobs
) -> Starlette:
    """The orchestrator's API, and the stand-in's own control surface beside it."""
    calls, work = api_faults.ApiFaults(memory, chance), jobs.Jobs(memory)
    report, trouble = control.Control(memory, chance), fault_control.FaultControl(chance, calls)
    around = calls.around
    token_required = [Middleware(middleware.RequireToken, token=token)]
    return Starlette(
        routes=[
            Route("/v2/consumer/blobs/blocked/{token}", files.placeholder),
            Mount(
                "/v2/consumer",
                routes=[
                    Route("/workflows", around(workflows.submit), methods=["POST"]),
                    Route("/workflows", around(workflows.query)),
                    Route("/workflows/{workflow_id}", around(workflows.get, "workflow")),
                    Route("/blobs/{blob_id}", around(files.redirect, "blob")),
                    Route("/blobs/{blob_id}/refresh", around(files.refresh, "blob"), methods=["POST"]),
                ],
                middleware=token_required,
            ),
            Mount("/v1/consumer", routes=[Route("/jobs/{job_id}", around(work.get))], middleware=token_required),
            Route("/sandbox/blobs", report.blobs),
            Route("/sandbox/workflows", report.workflows),
            Route("/sandbox/requests", report.requests),
            Route("/sandbox/faults", trouble.set, methods=["POST"]),
            Route("/sandbox/faults", trouble.tell),
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
