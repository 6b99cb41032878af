"""One system measured: the evaluation of its tables, written to a folder, and told in the terminal."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.clips.labels import IrmasTrainAbsent
from instrumentarium.evaluation.report import Evaluation, evaluate_splits, write_evaluation
from instrumentarium.evaluation.thresholds import Rule
from instrumentarium.measuring.alignment import Fitted, fit_tables
from instrumentarium.measuring.tables import Absent, MeasuringError, read_clips, read_labels, read_scores
from instrumentarium.reporting.document import HEADLINE, interval, number
from instrumentarium.reporting.figures import draw_figures
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import replace_together, write_json
from instrumentarium.tables.taxonomy import NAMES

RESULTS = ("evaluate.json", "thresholds.json", "figures.csv", "settings.json", "plots", "figures")
"""What lies in the folder; the first is its seal, see `replace_together`."""


@dataclass(frozen=True)
class Request:
    """What was asked for, as the command takes it."""

    scores: Path
    labels: Path
    clips: Sequence[Path]
    absent: Absent
    irmas_train_absent: IrmasTrainAbsent
    recording_pattern: str | None
    rule: Rule
    resamples: int
    seed: int


@dataclass(frozen=True)
class Measurement:
    """What was found."""

    request: Request
    fitted: Fitted
    evaluation: Evaluation

    def settings(self) -> dict[str, object]:
        """Return what makes the figures again, and what they assume."""
        files = {"scores": [self.request.scores], "labels": [self.request.labels], "clips": self.request.clips}
        return {
            **{
                name: [{"name": path.name, "md5": md5_of_file(path)} for path in paths] for name, paths in files.items()
            },
            "absent": self.request.absent,
            "irmas_train_absent": self.request.irmas_train_absent,
            "recording_pattern": self.request.recording_pattern,
            "recordings_from": self.fitted.recordings_from,
            "rule": self.request.rule,
            "resamples": self.request.resamples,
            "seed": self.request.seed,
            "notes": list(self.fitted.notes),
        }


def measure(request: Request) -> Measurement:
    """Read the tables and evaluate.

    Raises:
        MeasuringError: if a table cannot be used, or they do not fit together.
        EvaluationError: if there is too little to choose thresholds on.
    """
    fitted = fit_tables(
        read_scores(request.scores),
        read_labels(request.labels),
        read_clips(request.clips) if request.clips else None,
        absent=request.absent,
        irmas_train_absent=request.irmas_train_absent,
        recording_pattern=request.recording_pattern,
    )
    evaluation = evaluate_splits(
        fitted.test, fitted.validation, rule=request.rule, resamples=request.resamples, seed=request.seed
    )
    return Measurement(request, fitted, evaluation)


def write_measurement(measurement: Measurement, folder: Path, *, figures: bool) -> None:
    """Write everything to `folder`, in place of an earlier measurement there, all of it or nothing.

    Args:
        measurement: what to write.
        folder: made where it is missing.
        figures: whether to draw the plots as PNG, too, which takes seconds.

    Raises:
        MeasuringError: if `folder` cannot be a folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MeasuringError(f"{folder} cannot be made a folder: {error.strerror}; name another for --out") from error
    with tempfile.TemporaryDirectory(prefix=".measurement.", dir=folder) as temporary:
        staging = Path(temporary)
        rows = staging / "plots" / "evaluate"
        write_evaluation(
            measurement.evaluation,
            staging / "evaluate.json",
            staging / "thresholds.json",
            staging / "figures.csv",
            rows,
        )
        write_json(staging / "settings.json", measurement.settings(), sort_keys=False)
        if figures:
            (staging / "figures").mkdir()
            for picture in draw_figures(sorted(rows.iterdir())):
                (staging / "figures" / f"{picture.name}.png").write_bytes(picture.png)
        replace_together(staging, folder, [name for name in RESULTS if figures or name != "figures"])


def as_text(measurement: Measurement) -> str:
    """Return the figures as a table for the terminal."""
    test = measurement.evaluation.metrics["test"]
    ends, baselines, details = test["interval"], test["baselines"], test["per_instrument"]
    assert isinstance(ends, Mapping)
    assert isinstance(baselines, Mapping)
    assert isinstance(details, Mapping)
    lines = [
        f"{measurement.request.scores}: {test['clips']} test clips of {test['recordings']} recordings "
        f"(recordings from {measurement.fitted.recordings_from})",
        f"thresholds {test['rule']}, from {test['thresholds_from']}; {measurement.request.resamples} resamples of "
        f"recordings, seed {measurement.request.seed}",
        "",
        f"{'':34}{'test':>7}   95 % interval    random",
    ]
    for key, name in HEADLINE.items():
        by_chance = number(baselines["random"].get(key)) if key in baselines["random"] else ""
        lines.append(f"{name:34}{number(test[key]):>7}   {interval(ends.get(key)):15}  {by_chance:>6}".rstrip())
    lines += ["", f"{'':18}{'F1':>6}   95 % interval  {'AP':>6}   95 % interval  threshold  clips  recordings"]
    for code, found in details.items():
        spread = found["interval"]
        lines.append(
            f"{NAMES[code]:18}{number(found['f1']):>6}   {interval(spread['f1']):13}  {number(found['ap']):>6}   "
            f"{interval(spread['ap']):13}  {number(found['threshold']):>9}  {found['positives']:>5}  {found['songs']:>10}"
        )
    lines += [""] * bool(measurement.fitted.notes) + [f"Note: {note}." for note in measurement.fitted.notes]
    return "\n".join(lines)
