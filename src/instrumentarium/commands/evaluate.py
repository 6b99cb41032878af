"""The command `instrumentarium evaluate`. Heavy imports stand inside, so that `--help` answers at once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well


class AbsentPairs(StrEnum):
    """What a pair of clip and instrument without a label means."""

    UNOBSERVED = "unobserved"
    NEGATIVE = "negative"


class ThresholdRule(StrEnum):
    """Which thresholds make the predictions."""

    FIXED = "fixed"
    GLOBAL = "global"
    PER_INSTRUMENT = "per_instrument"


def evaluate(
    scores: Annotated[Path, typer.Argument(help="CSV table: clip_id and one column an instrument, probabilities.")],
    labels: Annotated[
        Path,
        typer.Argument(
            help="CSV table: clip_id, instrument, relevance; or clip_id and one column an instrument, empty where unknown."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for metrics, thresholds and plots.")],
    clips: Annotated[
        list[Path] | None,
        typer.Option(
            help="CSV table: clip_id and any of recording_id, split (train, validation, test), corpus, genre, "
            "group, official_split. Can be given several times; of what two tables say of a clip, the first one stands."
        ),
    ] = None,
    recording_pattern: Annotated[
        str | None,
        typer.Option(help="Regular expression whose group names a clip's recording in its id, such as '(.+)-\\d+$'."),
    ] = None,
    absent: Annotated[
        AbsentPairs, typer.Option(help="What a pair without a label means: nobody knows, or it does not play.")
    ] = AbsentPairs.UNOBSERVED,
    irmas_train_absent: Annotated[
        AbsentPairs,
        typer.Option(
            help="The same for clips of corpus irmas with official_split train, labelled with one instrument only."
        ),
    ] = AbsentPairs.NEGATIVE,
    taxonomy: Annotated[
        Path | None,
        typer.Option(
            help="JSON file of the instruments that the scores must have. Without it they are the scores' columns, "
            "named by data/taxonomy.json where there is one."
        ),
    ] = None,
    rule: Annotated[
        ThresholdRule, typer.Option(help="Thresholds: 0.5, one for all instruments, or one for each.")
    ] = ThresholdRule.PER_INSTRUMENT,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of recordings, for the 95 % intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    figures: Annotated[bool, typer.Option(help="Draw the plots as PNG, too.")] = True,
) -> None:
    """Evaluate any system's scores as the pipeline evaluates its own: same metrics, intervals, thresholds and plots.

    Thresholds are never chosen on the clips they are applied to: they come from split validation; where it has no clips,
    those for each half of the test recordings come from the other half, and `test.thresholds_from` says so.
    """
    from instrumentarium.measuring.measurement import RESULTS, Request, as_text, measure, write_measurement

    request = Request(
        scores=scores,
        labels=labels,
        clips=tuple(clips or ()),
        absent=absent.value,
        irmas_train_absent=irmas_train_absent.value,
        recording_pattern=recording_pattern,
        taxonomy=taxonomy,
        rule=rule.value,
        resamples=resamples,
        seed=seed,
    )
    with ending_well():
        measurement = measure(request)
        write_measurement(measurement, out, figures=figures)
        typer.echo(as_text(measurement))
        typer.echo(f"\nWritten to {out}: {', '.join(name for name in RESULTS if figures or name != 'figures')}")
