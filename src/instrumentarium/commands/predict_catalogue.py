"""The half of `instrumentarium predict` that --ray asks for. Heavy imports stand inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from instrumentarium.commands.console import GOOD, SOME_FAILED
from instrumentarium.predicting.choices import Backend, Device
from instrumentarium.predicting.timeline import TimelineSettings


@dataclass(frozen=True)
class CatalogueOptions:
    """Options of the command that only --ray has.

    Attributes:
        listing: a file that names files.
        workers: how many processes.
        shard_files: most files a shard.
        timeline: whether results have the timeline.
    """

    listing: Path | None
    workers: int | None
    shard_files: int | None
    timeline: bool

    def check_unused(self) -> None:
        """Check that none of them is given, where --ray is not.

        Raises:
            typer.BadParameter: if one is.
        """
        given = {
            "--listing": self.listing is not None,
            "--workers": self.workers is not None,
            "--shard-files": self.shard_files is not None,
            "--timeline": self.timeline,
        }
        for name in (name for name, is_given in given.items() if is_given):
            raise typer.BadParameter(f"{name} is of --ray; add that")


def predict_for_catalogue(
    paths: Sequence[str],
    out: Path,
    options: CatalogueOptions,
    *,
    model: str | None,
    system: str,
    thresholds: Path | None,
    settings: TimelineSettings,
    overlap: float | None,
    backend: Backend,
    onnx: Path | None,
    device: Device,
) -> int:
    """Predict for all files, say what came of them on standard error, and return the exit status."""
    from instrumentarium.catalogue.run import Inference, predict_catalogue
    from instrumentarium.catalogue.sources import find_names
    from instrumentarium.predicting.systems import find_scorer

    inference = Inference(
        find_scorer(system, model).absolute(),
        None if thresholds is None else thresholds.absolute(),
        settings,
        overlap,
        backend,
        None if onnx is None else onnx.absolute(),
        device,
    )

    def say_what_is_done(files: int, before: int) -> None:
        if before:
            typer.echo(f"{before} of {files} files are in {out} already", err=True)

    outcome = predict_catalogue(
        inference,
        find_names(paths, options.listing),
        out,
        workers=options.workers,
        shard_files=options.shard_files,
        timeline=options.timeline,
        began=say_what_is_done,
    )
    if outcome.repeated:
        typer.echo(f"{outcome.repeated} names came again and were left out", err=True)
    typer.echo(f"{outcome.files - outcome.rejected} of {outcome.files} files predicted, in {out}/predictions", err=True)
    if outcome.rejected:
        typer.echo(f"{outcome.rejected} could not be used; why is in {out}/rejected", err=True)
    return SOME_FAILED if outcome.rejected else GOOD
