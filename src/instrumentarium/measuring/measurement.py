"""One system measured: the evaluation of its tables, written to a folder, and reported in the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.clips.labels import IrmasTrainAbsent
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.evaluation import evaluate_systems
from instrumentarium.evaluation.results import Evaluation
from instrumentarium.evaluation.thresholds import Rule
from instrumentarium.evaluation.writing import write_evaluation
from instrumentarium.measuring.alignment import Aligned, align_tables
from instrumentarium.measuring.tables import Absent, MeasuringError, read_clips, read_labels, read_scores
from instrumentarium.reporting.document import interval, number
from instrumentarium.reporting.figures import draw_figures
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import staged, write_json
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy

RESULTS = (
    *("metrics/evaluate.json", "metrics/instruments.json", "data/evaluation.json", "data/thresholds.json"),
    *("data/metrics.csv", "settings.json", "plots/evaluate", "figures"),
)
"""What lies in the folder, as in a repository; the first is its seal, see `replace_together`."""
TAXONOMY = Path("data/taxonomy.json")
"""Of the repository at hand, if there is one."""


@dataclass(frozen=True)
class Request:
    """What was asked for, as the command takes it."""

    scores: Path
    labels: Path
    clips: Sequence[Path]
    absent: Absent
    irmas_train_absent: IrmasTrainAbsent
    recording_pattern: str | None
    taxonomy: Path | None
    rule: Rule
    resamples: int
    seed: int


@dataclass(frozen=True)
class Measurement:
    """What was found."""

    request: Request
    aligned: Aligned
    taxonomy: Taxonomy
    evaluation: Evaluation

    def settings(self) -> dict[str, object]:
        """Return what makes the metrics again, and what they assume."""
        files = {"scores": [self.request.scores], "labels": [self.request.labels], "clips": self.request.clips}
        if self.request.taxonomy is not None:
            files["taxonomy"] = [self.request.taxonomy]
        return {
            **{
                name: [{"name": path.name, "md5": md5_of_file(path)} for path in paths] for name, paths in files.items()
            },
            "instruments": self.taxonomy.names,
            "absent": self.request.absent,
            "irmas_train_absent": self.request.irmas_train_absent,
            "recording_pattern": self.request.recording_pattern,
            "recordings_from": self.aligned.recordings_from,
            "rule": self.request.rule,
            "resamples": self.request.resamples,
            "seed": self.request.seed,
            "notes": list(self.aligned.notes),
        }


def measure(request: Request) -> Measurement:
    """Read the tables and evaluate.

    Raises:
        MeasuringError: if a table cannot be used, or they do not belong together.
        TaxonomyError: if the taxonomy cannot be read.
        EvaluationError: if there is too little to choose thresholds on.
    """
    path = request.taxonomy or (TAXONOMY if TAXONOMY.exists() else None)
    known = read_taxonomy(path) if path else None
    scores, taxonomy = read_scores(request.scores, known, whole=request.taxonomy is not None)
    aligned = align_tables(
        scores,
        read_labels(request.labels, taxonomy),
        taxonomy,
        read_clips(request.clips) if request.clips else None,
        absent=request.absent,
        irmas_train_absent=request.irmas_train_absent,
        recording_pattern=request.recording_pattern,
    )
    system = request.scores.stem
    evaluation = evaluate_systems(
        {system: (aligned.test, aligned.validation)},
        system,
        rule=request.rule,
        resamples=request.resamples,
        seed=request.seed,
    )
    return Measurement(request, aligned, taxonomy, evaluation)


def write_measurement(measurement: Measurement, folder: Path, *, figures: bool) -> None:
    """Write everything to `folder`, in place of an earlier measurement there, all of it or nothing.

    Args:
        measurement: what to write.
        folder: made where it is missing.
        figures: whether to draw the plots as PNG and SVG, too, which takes seconds.

    Raises:
        MeasuringError: if `folder` cannot be a folder, or is a repository, whose own results would be replaced.
    """
    if (folder / "dvc.yaml").exists():
        raise MeasuringError(f"{folder} has a dvc.yaml, whose results would be replaced; name another folder for --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MeasuringError(f"{folder} cannot be made a folder: {error.strerror}; name another for --out") from error
    with staged(folder, [name for name in RESULTS if figures or name != "figures"]) as staging:
        rows = staging / "plots" / "evaluate"
        write_evaluation(
            measurement.evaluation,
            measurement.taxonomy,
            metrics=staging / "metrics/evaluate.json",
            instruments=staging / "metrics/instruments.json",
            content=staging / "data/evaluation.json",
            thresholds=[staging / "data/thresholds.json"],
            table=staging / "data/metrics.csv",
            plots=rows,
        )
        write_json(staging / "settings.json", measurement.settings(), sort_keys=False)
        if figures:
            (staging / "figures").mkdir()
            for picture in draw_figures(sorted(rows.iterdir())):
                (staging / "figures" / f"{picture.name}.png").write_bytes(picture.png)
                (staging / "figures" / f"{picture.name}.svg").write_bytes(picture.svg)


def as_text(measurement: Measurement) -> str:
    """Return the metrics as a table for the terminal."""
    test = measurement.evaluation.metrics["test"]
    ends, details = test["interval"], test["per_instrument"]
    assert isinstance(ends, Mapping)
    assert isinstance(details, Mapping)
    lines = [
        f"{measurement.request.scores}: {test['clips']} test clips of {test['recordings']} recordings "
        f"(recordings from {measurement.aligned.recordings_from})",
        f"thresholds {test['rule']}, from {test['thresholds_from']}; {measurement.request.resamples} resamples of "
        f"recordings, seed {measurement.request.seed}",
        "",
        f"{'':41}{'test':>7}   95 % interval",
    ]
    lines += [
        f"{metric.title:41}{number(test[metric.key]):>7}   {interval(ends.get(metric.key)):15}".rstrip()
        for metric in catalogue.METRICS
    ]
    lines += ["", *_systems(measurement.evaluation)]
    lines += ["", f"{'':18}{'F1':>6}   95 % interval  {'AP':>6}   95 % interval  threshold  clips  recordings"]
    for code, found in details.items():
        spread, name = found["interval"], measurement.taxonomy.names[code]
        lines.append(
            f"{name:18}{number(found['f1']):>6}   {interval(spread['f1']):13}  {number(found['ap']):>6}   "
            f"{interval(spread['ap']):13}  {number(found['threshold']):>9}  {found['positives']:>5}  {found['songs']:>10}"
        )
    lines += [""] * bool(measurement.aligned.notes) + [f"Note: {note}." for note in measurement.aligned.notes]
    return "\n".join(lines)


def _systems(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of the table of systems."""
    shown = [metric for metric in catalogue.METRICS if metric.declared]
    width = max(len(name) for name in evaluation.systems) + 2
    yield f"{'':{width}}" + "".join(f"{metric.label.removesuffix(' rate'):>17}" for metric in shown)
    for name, found in evaluation.systems.items():
        values = found.splits["test"]
        yield f"{name:{width}}" + "".join(f"{number(values[metric.key]):>17}" for metric in shown)
