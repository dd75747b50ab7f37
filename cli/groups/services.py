"""The commands that run something until they are told to stop."""

from typing import Annotated

import typer

app = typer.Typer()

Host = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every one that this machine has.")]
Port = Annotated[int | None, typer.Option(help="The port to listen on, instead of RECEIVER_PORT.", min=0, max=65535)]


@app.command(epilog="Example: civitai-archive up --port 8000")
def up(host: Host = "127.0.0.1", port: Port = None) -> None:
    """Run everything on this machine: the receiver, the worker, the gateway (for this machine alone, on GATEWAY_PORT),
    and PostgreSQL and Valkey unless their URLs are set.
    """
    from cli import up

    up.run(host, port)


@app.command(epilog="Example: civitai-archive receiver --host 0.0.0.0 --workers 4")
def receiver(
    host: Host = "127.0.0.1",
    port: Port = None,
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1, max=64)] = 1,
) -> None:
    """Run the receiver alone: it takes callbacks and stores their events."""
    from cli import receiver

    receiver.run(host, port, workers)


@app.command(epilog="Example: civitai-archive worker")
def worker() -> None:
    """Run one worker alone: it fetches what is due and keeps the results. Run as many as you like."""
    from cli import worker

    worker.run()


@app.command(epilog="Example: civitai-archive gateway --port 8080")
def gateway(
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="The port to listen on, instead of GATEWAY_PORT.", min=0, max=65535)
    ] = None,
    mcp_port: Annotated[
        int | None, typer.Option(help="The port for assistants, at /mcp, instead of MCP_PORT.", min=0, max=65535)
    ] = None,
) -> None:
    """Run the gateway alone: Civitai's API for who has a key of ours, answered by the archive where Civitai forgot."""
    from cli import gateway

    gateway.run(host, port, mcp_port)


@app.command(epilog="Example: civitai-archive mcp --read-only")
def mcp(
    read_only: Annotated[bool, typer.Option("--read-only", help="Submit and cancel nothing.")] = False,
) -> None:
    """Speak with an assistant that starts this as its own process: MCP on standard input and output."""
    from cli import mcp

    mcp.run(read_only=read_only)


@app.command(epilog="Example: civitai-archive demo --keep")
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, to look around.")] = False,
) -> None:
    """Show the whole way of a dozen workflows on this machine, with a stand-in for Civitai."""
    from cli import demo

    demo.run(keep=keep)


@app.command(epilog="Example: civitai-archive sandbox --seed 7 --faults '{\"truncate\": 0.1}'")
def sandbox(
    api_port: Annotated[int, typer.Option(help="The port of the API; 0 for any.", min=0, max=65535)] = 8900,
    blob_port: Annotated[int, typer.Option(help="The port of the blob host; 0 for any.", min=0, max=65535)] = 8901,
    token: Annotated[str, typer.Option(help="The API token that it takes.")] = "sandbox-token",  # noqa: S107
    manager_token: Annotated[
        str, typer.Option(help="The token that opens a manager's calls too.")
    ] = "sandbox-manager-token",  # noqa: S107
    url_lifetime: Annotated[float, typer.Option(help="Seconds for which a signed URL is good.", min=0.1)] = 300.0,
    faults: Annotated[
        str, typer.Option(help='What goes wrong how often: \'{"truncate": 0.1, "api_500": 0.05}\'.')
    ] = "{}",
    seed: Annotated[int, typer.Option(help="The same seed and calls give the same blobs and faults.")] = 0,
) -> None:
    """Run the stand-in for Civitai's orchestrator, on loopback; docs/sandbox.md says all that it can play."""
    from cli import sandbox

    sandbox.run(
        api_port=api_port,
        blob_port=blob_port,
        token=token,
        manager_token=manager_token,
        url_lifetime=url_lifetime,
        faults=faults,
        seed=seed,
    )
