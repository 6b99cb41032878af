"""Figures, gallery and page together, from the files of the stages before."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.drawing.style import styled, to_png
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.reporting import cards
from instrumentarium.reporting.document import BRIEFLY, HEADLINE, PARTS, figures_of, render
from instrumentarium.reporting.figures import Picture, draw_figures
from instrumentarium.reporting.gallery import Failure, worst_clips
from instrumentarium.reporting.pictures import DPI, PALETTE, draw_failure
from instrumentarium.reporting.rows import ReportInputError, read_mapping
from instrumentarium.runtime.files import write_folder, write_text_atomically
from instrumentarium.tables.schemas import SCORES, SETTLED_LABELS, SPLIT


@dataclass(frozen=True)
class Sources:
    """Where everything lies that the report tells: paths as the stage is given them."""

    corpora: Sequence[Path]
    labels: Path
    split: Path
    scores: Path
    thresholds: Path
    model: Path
    metrics: Path  # the folder
    rows: Sequence[Path]
    constraints: Path


@dataclass(frozen=True)
class Settings:
    """What the report must be told of params.yaml."""

    collection: str
    model: str
    rendered: bool
    recipe: Mapping[str, object]
    irmas_train_absent: IrmasTrainAbsent
    sample_rate_hz: int
    gallery: int


@dataclass(frozen=True)
class Shown:
    """A failure and its picture."""

    failure: Failure
    png: bytes

    @property
    def given(self) -> list[str]:
        """The codes whose scores reach their thresholds."""
        limits = self.failure.thresholds
        return [code for code, score in self.failure.scores.items() if score >= limits[code]]


@dataclass(frozen=True)
class Report:
    """What the report stage writes."""

    html: str
    figures: Sequence[Picture]
    gallery: Sequence[Shown]

    def summary(self) -> str:
        """Return one line about it."""
        return f"{len(self.figures)} figures, {len(self.gallery)} clips that went wrong, {len(self.html) / 1e6:.1f} MB page"


def make_report(sources: Sources, settings: Settings) -> Report:
    """Make the report; the same files give the same bytes.

    Raises:
        UserError: of the kind that fits, if a file is missing (the message names the stage to run) or does not hold what
            it should, or the files do not fit together.
    """
    figures = draw_figures(sources.rows)
    gallery = _gallery(sources, settings)
    return Report(_page(sources, settings, figures, gallery), figures, gallery)


def _gallery(sources: Sources, settings: Settings) -> list[Shown]:
    clips = read_clips(sources.corpora)
    known = label_arrays(clips, SETTLED_LABELS.read(sources.labels), irmas_train_absent=settings.irmas_train_absent)
    failures = worst_clips(
        SCORES.read(sources.scores),
        clips,
        known,
        SPLIT.read(sources.split),
        Thresholds.read(sources.thresholds),
        count=settings.gallery,
    )
    shown = clips.set_index("clip_id", drop=False).loc[[failure.clip_id for failure in failures]]
    samples = open_samples(shown, sources.corpora)
    with styled():
        return [
            Shown(
                failure,
                to_png(draw_failure(failure, samples.read(index), settings.sample_rate_hz), dpi=DPI, palette=PALETTE),
            )
            for index, failure in enumerate(failures)
        ]


def _page(sources: Sources, settings: Settings, figures: Sequence[Picture], gallery: Sequence[Shown]) -> str:
    evaluated = read_mapping(sources.metrics / "evaluate.json", "evaluate")
    test, validation = (figures_of(evaluated, name, "metrics/evaluate.json") for name in ("test", "validation"))
    split = read_mapping(sources.metrics / "split.json", "split")
    train = read_mapping(sources.metrics / "train.json", "train")
    duplicates = read_mapping(sources.metrics / "duplicates.json", "duplicates")
    absent = sorted({*cards.SPLITS, "leaks"} - set(split))
    if absent or "parameters" not in train:
        raise ReportInputError(
            f"metrics lack {', '.join(f'{name} (split.json)' for name in absent) or 'parameters (train.json)'}; "
            "run `dvc repro -f split train`"
        )
    thresholds = Thresholds.read(sources.thresholds)
    scores_md5 = cards.md5_of(sources.scores, "score")
    table = SPLIT.read(sources.split)
    groups = itertools.groupby(gallery, key=lambda shown: shown.failure.instrument)
    compared = [*test["rules"].values(), *test["baselines"].values()]
    return render(
        {
            "collection": settings.collection,
            "model": settings.model,
            "rendered": settings.rendered,
            "headline": HEADLINE,
            "test": test,
            "validation": validation,
            "parts": {what: test[key] for what, key in PARTS.items() if test[key]},
            "briefly": {key: HEADLINE.get(key, "all zeros") for key in BRIEFLY},
            "official": test.get("official_irmas", {}),
            "pair_keys": [key for key in HEADLINE if any(key in figures for figures in compared)],
            "thresholds": {"rule": thresholds.rule, "chosen_from": thresholds.chosen_from},
            "figures": figures,
            "gallery": [{"code": code, "entries": list(entries)} for code, entries in groups],
            "gallery_count": settings.gallery,
            "splits": cards.SPLITS,
            "split_figures": split,
            "corpora": cards.corpus_cards(sources.corpora, read_clips(sources.corpora), table),
            "leaks": split["leaks"],
            "duplicates": {key.replace("_", " "): value for key, value in cards.flat(duplicates).items()},
            "parameters": f"{train['parameters']:,}",
            "model_tables": cards.model_tables(sources.model),
            "recipe": cards.flat(settings.recipe),
            "hashes": {
                "model.safetensors, md5": cards.md5_of(sources.model / "model.safetensors", "train"),
                "scores.csv, md5": scores_md5,
            },
            "scores_md5": scores_md5,
            "software": cards.software(sources.constraints),
        }
    )


def write_report(report: Report, page: Path, figures: Path, gallery: Path) -> None:
    """Write the page, a PNG a figure, and a PNG a failure with all its facts in `gallery`/gallery.json.

    The two folders and the page are each replaced whole or not at all; what an earlier report left in them is gone.
    """
    write_folder(figures, {f"{picture.name}.png": picture.png for picture in report.figures})
    facts = [{"picture": f"{shown.failure.picture}.png", **asdict(shown.failure)} for shown in report.gallery]
    text = json.dumps(facts, allow_nan=False, ensure_ascii=False, indent=2) + "\n"
    pictures = {f"{shown.failure.picture}.png": shown.png for shown in report.gallery}
    write_folder(gallery, {**pictures, "gallery.json": text.encode("utf-8")})
    write_text_atomically(page, report.html)
