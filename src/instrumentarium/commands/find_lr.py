"""The command `instrumentarium find-lr`. Heavy imports stand inside, so that `--help` answers at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from instrumentarium.commands.console import ending_well

if TYPE_CHECKING:
    from instrumentarium.training.find_lr import RangeTest

DATA = Path("data")


def find_lr(
    out: Annotated[Path, typer.Option(help="Folder for find_lr.json and find_lr.png.")] = Path("data/find_lr"),
    lowest: Annotated[float, typer.Option(help="The first learning rate.")] = 1e-6,
    highest: Annotated[float, typer.Option(help="The last one, if the loss is still sane.")] = 1.0,
    steps: Annotated[int, typer.Option(help="Training steps at most.")] = 100,
) -> None:
    """Suggest a learning rate for the model that params.yaml selects, on the workspace's training clips.

    The model is trained from its start for a few steps at ever larger rates; the suggestion is the rate at which the loss
    falls fastest. Nothing of the pipeline is changed: write it into the recipe yourself.
    """
    with ending_well():
        found = _tested(lowest, highest, steps)
        from instrumentarium.runtime.files import write_json

        write_json(out / "find_lr.json", found.content())
        _draw(found, out / "find_lr.png")
        typer.echo(f"{found.suggestion:.2g}  (after {len(found.points)} steps; {out / 'find_lr.png'} shows the loss)")


def _tested(lowest: float, highest: float, steps: int) -> "RangeTest":
    import tempfile

    from instrumentarium.clips.collection import corpus_folders
    from instrumentarium.config.selection import write_selection
    from instrumentarium.config.whole import load_params
    from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, read_yaml
    from instrumentarium.training.find_lr import find_learning_rate
    from instrumentarium.training.run import Inputs, prepare

    params = load_params()
    with tempfile.TemporaryDirectory(prefix="instrumentarium-find-lr-") as temporary:
        selected = Path(temporary)
        write_selection(params.selection, selected)
        inputs = Inputs(
            corpora=corpus_folders(DATA / "clips" / params.collection),
            labels=DATA / "labels.csv",
            taxonomy=DATA / "taxonomy.json",
            split=DATA / "split.csv",
            stats=DATA / "stats.json",
            selected=selected,
            keys_tempos=DATA / "keys_tempos.csv",
        )
        prepared = prepare(DeclaredParams(read_yaml(PARAMS_FILE), "find-lr"), inputs)
    return find_learning_rate(prepared.run, prepared.data["train"], lowest=lowest, highest=highest, steps=steps)


def _draw(found: "RangeTest", path: Path) -> None:
    from instrumentarium.drawing.style import new_figure, styled, to_png
    from instrumentarium.runtime.files import atomic_path

    rates = [point.learning_rate for point in found.points]
    with styled():
        figure = new_figure(3.5, 2.4, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(rates, [point.loss for point in found.points], color="#BBBBBB", label="loss")
        axes.plot(rates, [point.smoothed for point in found.points], color="#0072B2", label="smoothed")
        axes.axvline(found.suggestion, color="#D55E00", linestyle="--", label=f"suggestion {found.suggestion:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        axes.legend()
        png = to_png(figure)
    with atomic_path(path) as temporary:
        temporary.write_bytes(png)
