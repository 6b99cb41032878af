"""The command `instrumentarium serve`. Heavy imports stand inside, so that `--help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import GOOD, WRONG_USE, Terminated, ending_well
from instrumentarium.commands.options import OR_SHIPPED_HELP, THRESHOLDS_HELP
from instrumentarium.predicting.choices import Backend, Device


def serve(
    model: Annotated[str | None, typer.Option(help=OR_SHIPPED_HELP)] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any that is free.")] = 8000,
    thresholds: Annotated[Path | None, typer.Option(help=THRESHOLDS_HELP)] = None,
    backend: Annotated[Backend, typer.Option(help="What runs the model.")] = Backend.TORCH,
    onnx: Annotated[Path | None, typer.Option(help="The exported file, for --backend onnxruntime.")] = None,
    device: Annotated[Device, typer.Option(help="Where PyTorch runs the model.")] = Device.AUTO,
    upload_mb: Annotated[float, typer.Option("--max-upload", help="The largest body in MB; beyond, 413.")] = 100.0,
    audio_s: Annotated[float, typer.Option("--max-audio", help="The longest recording in s; beyond, 422.")] = 1800.0,
    queue: Annotated[int, typer.Option(help="Requests in hand at a time, uploading ones included; beyond, 503.")] = 64,
    request_s: Annotated[
        float,
        typer.Option("--timeout", help="From a request to its answer in s; beyond, 504, or 408 while it uploads."),
    ] = 120.0,
    decoders: Annotated[int | None, typer.Option(help="Processes that decode; by default one a core.")] = None,
    decode_memory_mb: Annotated[
        int, typer.Option("--decode-memory", help="MB a decoding process may hold; beyond, 422.")
    ] = 1000,
    decode_s: Annotated[
        int, typer.Option("--decode-time", help="Processor time in s that decoding may take; beyond, 422.")
    ] = 60,
    log_requests: Annotated[bool, typer.Option("--log-requests", help="Write a line about each request.")] = False,
) -> None:
    """Serve a model over HTTP: POST /v1/predict, a page for people at /, its reference at /docs.

    On SIGTERM and Ctrl-C it takes nothing new, answers what it has, and ends with status 0. Needs the package's extra
    "serve".
    """
    with ending_well():
        try:
            from instrumentarium.serving.running import run_server
        except ModuleNotFoundError as error:
            from instrumentarium.runtime.errors import UserError

            if (error.name or "").startswith("instrumentarium"):
                raise
            raise UserError(f"the server needs {error.name}: pip install 'instrumentarium[serve]'") from error
        from instrumentarium.predicting.loading import load_ladder
        from instrumentarium.predicting.modelsource import default_model, find_model
        from instrumentarium.runtime.workers import usable_cores
        from instrumentarium.serving.limits import Limits

        limits = Limits(upload_mb, audio_s, queue, request_s, decoders or usable_cores(), decode_memory_mb, decode_s)
        folder = default_model() if model is None else find_model(model)
        ladder = load_ladder(folder, thresholds, backend=backend, onnx=onnx, device=device)
        try:
            listened = run_server(ladder, limits, host, port, log_requests=log_requests)
        except (Terminated, KeyboardInterrupt):  # which the server raises once more after it has drained
            listened = True
        except SystemExit:  # it could not listen, and has said why
            listened = False
        raise typer.Exit(GOOD if listened else WRONG_USE)
