"""The commands `instrumentarium relabel-report` and `instrumentarium label-spans`.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentarium.commands.console import ending_well

LABELLING_HELP = "A CSV table clip_id, instrument, relevance, or a folder of .txt files with an instrument a line."


class AbsentRows(StrEnum):
    """What a table says of a pair that it has no row of."""

    NEGATIVE = "negative"
    UNOBSERVED = "unobserved"


def relabel_report(
    a: Annotated[Path, typer.Argument(help=f"The first labelling. {LABELLING_HELP}")],
    b: Annotated[Path, typer.Argument(help="The second one, of the same clips, which the first is held against.")],
    absent: Annotated[
        AbsentRows, typer.Option(help="What a table says of a pair without a row: it does not play, or nobody knows.")
    ] = AbsentRows.NEGATIVE,
    json_: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
    table: Annotated[Path | None, typer.Option("--csv", help="Write every number to this CSV file, too.")] = None,
) -> None:
    """Compare two labellings of the same clips: how many are exactly alike, what is absent, what is taken for what."""
    import json

    from instrumentarium.relabelling.agreement import compare_labellings
    from instrumentarium.relabelling.agreementtext import agreement_csv, agreement_json, agreement_text
    from instrumentarium.relabelling.labellings import read_labelling
    from instrumentarium.runtime.files import write_text_atomically

    with ending_well():
        found = compare_labellings(read_labelling(a, absent.value), read_labelling(b, absent.value))
        if table is not None:
            write_text_atomically(table, agreement_csv(found))
        if json_:
            typer.echo(json.dumps(agreement_json(found), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False))
        else:
            typer.echo(agreement_text(found, str(a), str(b)))


def label_spans(
    labels: Annotated[Path, typer.Argument(help=f"The labels to check. {LABELLING_HELP}")],
    clips: Annotated[
        list[Path],
        typer.Option(help="CSV table with clip_id and duration_s, such as a corpus's clips.csv; repeatable."),
    ],
    draw: Annotated[
        int | None, typer.Option(min=1, help="Draw so many labelled clips, and write their labels with empty times.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The CSV file that --draw writes, for annotators to fill in.")
    ] = None,
    spans: Annotated[
        Path | None, typer.Option(help="The file filled in: clip_id, start_s, end_s, instrument, a row a stretch.")
    ] = None,
    whole: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the clip from which a label holds throughout.")
    ] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Check whether labels hold through the whole clip: draw clips to annotate by time, then read the annotations.

    With --draw N --out FILE clips are drawn; with --spans FILE the shares are reported.
    """
    import json

    from instrumentarium.relabelling.labellings import read_labelling
    from instrumentarium.relabelling.throughout import (
        coverage,
        draw_clips,
        empty_annotations,
        read_durations,
        read_stretches,
        summarise,
    )
    from instrumentarium.runtime.files import write_text_atomically

    if (draw is None) == (spans is None) or (draw is None) != (out is None):
        raise typer.BadParameter("either draw clips (--draw N --out FILE) or read annotations (--spans FILE)")
    with ending_well():
        labelling, durations = read_labelling(labels, "negative"), read_durations(clips)
        if draw is not None and out is not None:
            if out.exists():
                raise FileExistsError(f"{out} exists and may hold annotations; name another file")
            pairs = draw_clips(labelling, durations, draw, seed)
            write_text_atomically(out, empty_annotations(pairs))
            typer.echo(f"{out}: {len(pairs)} labels of {draw} clips")
            return
        assert spans is not None
        found = summarise(coverage(labelling, read_stretches(spans, durations), durations), whole)
        if json_:
            typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
            return
        typer.echo(f"{'':14}{'labels':>8}{'share of the clip':>20}{'throughout':>12}{'absent':>8}")
        for name, row in found.items():
            shares = [
                f"{row[key]:.3f}" if row[key] is not None else "–" for key in ("mean_share", "throughout", "absent")
            ]
            typer.echo(f"{name:14}{row['labels']:>8}{shares[0]:>20}{shares[1]:>12}{shares[2]:>8}")
