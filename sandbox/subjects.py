"""What a call is about, from its path; a `Problem` with 404 where there is no such thing."""

from starlette.requests import Request

from sandbox import problems, state


def workflow(memory: state.State, request: Request) -> state.Workflow:
    """The workflow that the path names."""
    found = memory.find_workflow(request.path_params["workflow_id"])
    if found is None:
        raise problems.Problem(404, "There is no such workflow.")
    return found


def step(memory: state.State, request: Request) -> state.Step:
    """The step that the path names."""
    name = request.path_params["step_name"]
    for each in workflow(memory, request).steps:
        if each.name == name:
            return each
    raise problems.Problem(404, "The workflow has no such step.")
