"""The command `instrumentarium export`: a model for other programs.

Heavy imports stand inside the command, so that `--help` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well, say
from instrumentarium.commands.options import DEFAULT_MODEL, MODEL_HELP


def export(
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the one format there is.")] = False,
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = DEFAULT_MODEL,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; by default beside the model's folder: data/model.onnx for data/model."),
    ] = None,
) -> None:
    """Write a model as one ONNX file, front end included: waveforms of any number and length in, probabilities out.

    The file is compared with the model over the workspace's test clips (where they are) and over made sounds. It is written
    only if no probability differs by more than 1e-4 and no prediction flips. `predict --backend onnxruntime` uses it. Needs
    the package's extra "onnx".
    """
    if not onnx:
        raise typer.BadParameter("say in which format: --onnx")
    with ending_well():
        from instrumentarium.models.modelfile import load_card
        from instrumentarium.predicting.exporting import export_model, find_test_set
        from instrumentarium.predicting.modelsource import find_model
        from instrumentarium.predicting.onnxfile import onnx_path

        folder = find_model(model)
        out = out or onnx_path(folder)
        test_set = find_test_set(folder, load_card(folder).trained.collection)
        found = export_model(folder, out, test_set)
        say(
            f"{out}: {out.stat().st_size / 1e6:.1f} MB, waveforms (batch, samples) → probabilities (batch, instruments)"
        )
        compared = (
            f"{found.clips} test clips and made sounds" if found.clips else "made sounds; no test clips are at hand"
        )
        say(
            f"largest difference of a probability: {found.largest_difference:.2g} ({found.windows} windows of {compared})"
        )
        if found.clips and found.flipped is not None:
            say(f"flipped predictions away from thresholds: {found.flipped}")
