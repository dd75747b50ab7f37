"""The two origins, as tables of contents."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from sandbox import blobs, consumer, control, middleware, problems, state


def api(memory: state.State, token: str, workflows: consumer.Consumer, files: blobs.Blobs) -> Starlette:
    """The orchestrator's API, and the stand-in's own control surface beside it."""
    report = control.Control(memory)
    return Starlette(
        routes=[
            Mount(
                "/v2/consumer",
                routes=[
                    Route("/workflows", workflows.submit, methods=["POST"]),
                    Route("/workflows", workflows.query),
                    Route("/workflows/{workflow_id}", workflows.get),
                    Route("/blobs/{blob_id}", files.redirect),
                    Route("/blobs/{blob_id}/refresh", files.refresh, methods=["POST"]),
                ],
                middleware=[Middleware(middleware.RequireToken, token=token)],
            ),
            Route("/sandbox/blobs", report.blobs),
            Route("/sandbox/workflows", report.workflows),
        ],
        middleware=[Middleware(middleware.Record, memory=memory, origin="api")],
        exception_handlers={problems.Problem: problems.on_problem, HTTPException: problems.on_problem},
    )


def blob_host(memory: state.State, files: blobs.Blobs) -> Starlette:
    """The storage host: signed URLs only."""
    return Starlette(
        routes=[Route("/blobs/{blob_id}", files.serve)],
        middleware=[Middleware(middleware.Record, memory=memory, origin="blob")],
    )
