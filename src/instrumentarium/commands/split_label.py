"""The command `instrumentarium split-label`. Heavy imports stand inside, so that `--help` answers at once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well
from instrumentarium.commands.options import DEFAULT_MODEL


class SplitMethod(StrEnum):
    """How clips are classified."""

    LOGISTIC = "logistic"
    KMEANS = "kmeans"


def split_label(
    corpus: Annotated[str, typer.Argument(help="The corpus whose label is too coarse, such as openmic.")],
    label: Annotated[str, typer.Argument(help="The label, in the corpus's own words, such as guitar.")],
    targets: Annotated[list[str], typer.Argument(help="Codes of the instruments it may mean, such as gac gel.")],
    out: Annotated[Path, typer.Option(help="The CSV file of overrides to write, such as overrides/guitars.csv.")],
    method: Annotated[
        SplitMethod, typer.Option(help="Logistic regression with self-training, or k-means seeded by known clips.")
    ] = SplitMethod.LOGISTIC,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="Least probability that is kept; below it, nobody knows.")
    ] = 0.8,
    model: Annotated[Path, typer.Option(help="Folder of the trained model that embeds the clips.")] = Path(
        DEFAULT_MODEL
    ),
    truth: Annotated[
        Path | None,
        typer.Option(help="CSV table clip_id, instrument of what truly plays, to score the split by."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of k-means.")] = 0,
    root: Annotated[Path, typer.Option(help="The repository's root.")] = Path(),
) -> None:
    """Split a corpus's coarse label into instruments, by clips of other corpora that tell them apart.

    Writes overrides: the probability of each instrument as its relevance, empty where it is not sure. Commit the file and
    run `dvc exp run -S labels.overrides=FILE` to train with it.
    """
    from instrumentarium.relabelling.collection import gather_pupils, read_lineups
    from instrumentarium.relabelling.labelsplit import as_overrides, decided, score_split
    from instrumentarium.relabelling.labelsplit import split_label as split
    from instrumentarium.runtime.section import DeclaredParams, read_yaml
    from instrumentarium.tables.overrides import write_overrides

    with ending_well():
        plays = read_lineups(truth) if truth is not None else {}
        collection = DeclaredParams(read_yaml(root / "params.yaml"), "(none)").read("collection", str)
        pupils = gather_pupils(root, collection, corpus, label, targets, model)
        found = split(pupils.learners, pupils.teachers, pupils.truth, targets, method.value, seed)
        source = f"split-label {label} by {method.value}"
        write_overrides(out, as_overrides(pupils.clip_ids, found, targets, confidence, source))
        kept = decided(found, confidence)
        counts = ", ".join(f"{code} in {int((kept[:, place] > 0.5).sum())}" for place, code in enumerate(targets))
        typer.echo(
            f"{out}: {len(found)} clips with {label}, {len(pupils.teachers)} clips to learn from; {counts}, "
            f"{int((~(kept > 0.5).any(axis=1)).sum())} unknown"
        )
        if plays:
            score = score_split(pupils.clip_ids, found, pupils.truth, targets, confidence, plays)
            if score is None:
                typer.echo(f"{truth} knows none of these clips with one of {', '.join(targets)} alone")
                return
            sure = "–" if score.decided_accuracy is None else f"{score.decided_accuracy:.3f}"
            typer.echo(
                f"of {score.clips} clips whose truth is known: {score.accuracy:.3f} right, majority {score.majority:.3f}; "
                f"of the {score.decided} decided, {sure} right"
            )
