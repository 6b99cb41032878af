"""Figures, gallery and page together, from the files of the stages before."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.drawing.style import styled, to_png
from instrumentarium.reporting import cards
from instrumentarium.reporting.document import BRIEFLY, HEADLINE, PARTS, metrics_of, render, systems_of
from instrumentarium.reporting.explained import CAPTIONS, Explained, read_explained
from instrumentarium.reporting.faults import FAULTS
from instrumentarium.reporting.figures import GENRE_CODES, Picture, draw_figures
from instrumentarium.reporting.gallery import Failure, worst_clips
from instrumentarium.reporting.pictures import PALETTE, draw_failure
from instrumentarium.reporting.rows import ReportInputError, read_mapping
from instrumentarium.runtime.files import write_folder, write_text_atomically
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy


@dataclass(frozen=True)
class Sources:
    """Where everything lies that the report shows: paths as the stage gets them."""

    corpora: Sequence[Path]
    taxonomy: Path
    labels: Path
    split: Path
    scores: Path
    evaluation: Path
    model: Path
    metrics: Path  # the folder of the other stages' metrics
    rows: Sequence[Path]
    explained: Path  # the folder of the explain stage's pictures
    constraints: Path


@dataclass(frozen=True)
class Settings:
    """What the report needs of params.yaml."""

    collection: str
    model: str
    rendered: bool
    irmas_train_absent: IrmasTrainAbsent
    sample_rate_hz: int
    gallery: int


@dataclass(frozen=True)
class Shown:
    """A failure and its picture."""

    failure: Failure
    png: bytes

    @property
    def predicted(self) -> list[str]:
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
        return f"{len(self.figures)} figures, {len(self.gallery)} wrong predictions, {len(self.html) / 1e6:.1f} MB page"


def make_report(sources: Sources, settings: Settings) -> Report:
    """Make the report; the same files give the same bytes.

    Raises:
        UserError: of the kind that fits, if a file is missing (the message names the stage to run) or does not hold what
            it should, or the files do not fit together.
    """
    taxonomy = read_taxonomy(sources.taxonomy)
    evaluation = read_mapping(sources.evaluation, "evaluate")
    test = metrics_of(evaluation, "test", str(sources.evaluation))
    figures = draw_figures(sources.rows)
    gallery = _gallery(sources, settings, taxonomy, test)
    explained = read_explained(sources.explained)
    return Report(_page(sources, settings, taxonomy, evaluation, figures, gallery, explained), figures, gallery)


def _gallery(sources: Sources, settings: Settings, taxonomy: Taxonomy, test: Mapping[str, Any]) -> list[Shown]:
    clips = read_clips(sources.corpora)
    labels = resolved_labels_table(taxonomy).read(sources.labels)
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent=settings.irmas_train_absent)
    failures = worst_clips(
        scores_table(taxonomy).read(sources.scores),
        clips,
        known,
        SPLIT.read(sources.split),
        applied_thresholds(test, taxonomy, str(sources.evaluation)),
        taxonomy,
        count=settings.gallery,
    )
    shown = clips.set_index("clip_id", drop=False).loc[[failure.clip_id for failure in failures]]
    samples = open_samples(shown, sources.corpora)
    with styled():
        return [
            Shown(
                failure,
                to_png(draw_failure(failure, samples.read(index), settings.sample_rate_hz, taxonomy), palette=PALETTE),
            )
            for index, failure in enumerate(failures)
        ]


def applied_thresholds(test: Mapping[str, Any], taxonomy: Taxonomy, source: str) -> dict[str, float]:
    """Return code to the threshold that was applied to test.

    Raises:
        ReportInputError: if an instrument has none.
    """
    found = {code: test["per_instrument"].get(code, {}).get("threshold") for code in taxonomy.codes}
    missing = [code for code, threshold in found.items() if threshold is None]
    if missing:
        raise ReportInputError(f"{source}: test has no threshold of {', '.join(missing)}; run `dvc repro -f evaluate`")
    return found


def _page(
    sources: Sources,
    settings: Settings,
    taxonomy: Taxonomy,
    evaluation: Mapping[str, object],
    figures: Sequence[Picture],
    gallery: Sequence[Shown],
    explained: Explained,
) -> str:
    test, validation = (metrics_of(evaluation, name, str(sources.evaluation)) for name in ("test", "validation"))
    systems = systems_of(evaluation, str(sources.evaluation))
    split = read_mapping(sources.metrics / "split.json", "split")
    train = read_mapping(sources.metrics / "train.json", "train")
    duplicates = dict(read_mapping(sources.metrics / "duplicates.json", "duplicates"))
    absent = sorted({*cards.SPLITS, "leaks"} - set(split))
    if absent or "parameters" not in train:
        raise ReportInputError(
            f"metrics lack {', '.join(f'{name} (split.json)' for name in absent) or 'parameters (train.json)'}; "
            "run `dvc repro -f split train`"
        )
    overrides = duplicates.pop("overrides", None)
    scores_md5 = cards.md5_of(sources.scores, "score")
    groups = itertools.groupby(gallery, key=lambda shown: shown.failure.instrument)
    return render(
        {
            "collection": settings.collection,
            "model": settings.model,
            "rendered": settings.rendered,
            "instruments": list(taxonomy.names.values()),
            "headline": HEADLINE,
            "test": test,
            "validation": validation,
            "parts": {what: test[key] for what, key in PARTS.items() if test[key]},
            "genre_codes": GENRE_CODES,
            "briefly": BRIEFLY,
            "official": test.get("official_irmas", {}),
            "systems": systems,
            "system_keys": [key for key in BRIEFLY if any(key in metrics for metrics in systems.values())],
            "rule_keys": [key for key in HEADLINE if any(key in metrics for metrics in test["rules"].values())],
            "thresholds": {"rule": test["rule"], "chosen_from": test["thresholds_from"]},
            "figures": [figure for figure in figures if not figure.of_data],
            "data_figures": [figure for figure in figures if figure.of_data],
            "explained": explained,
            "map_groups": [
                {"code": code, "maps": list(maps)}
                for code, maps in itertools.groupby(explained.maps, key=lambda each: each.facts.instrument)
            ],
            "embedding_captions": CAPTIONS,
            "gallery": [{"code": code, "entries": list(entries)} for code, entries in groups],
            "gallery_count": settings.gallery,
            "splits": cards.SPLITS,
            "split_metrics": split,
            "corpora": cards.corpus_cards(sources.corpora, read_clips(sources.corpora), SPLIT.read(sources.split)),
            "faults": FAULTS,
            "leaks": split["leaks"],
            "overrides": overrides if isinstance(overrides, Mapping) else None,
            "override_changes": cards.OVERRIDE_CHANGES,
            "duplicates": {name: duplicates[key] for key, name in cards.DUPLICATES.items() if key in duplicates},
            "parameters": f"{train['parameters']:,}",
            "model_tables": cards.model_tables(sources.model),
            "model_headings": cards.DESCRIBED,
            "hashes": {
                "model.safetensors, md5": cards.md5_of(sources.model / "model.safetensors", "train"),
                f"{sources.scores.name} of the model's scores, md5": scores_md5,
            },
            "scores_md5": scores_md5,
            "software": cards.software(sources.constraints),
        },
        taxonomy.names,
    )


def write_report(report: Report, page: Path, figures: Path, gallery: Path) -> None:
    """Write the page, a PNG and an SVG a figure, and a PNG a failure with all its facts in `gallery`/gallery.json.

    The two folders and the page are each replaced whole or not at all; what an earlier report left in them is gone.
    """
    drawn = {f"{picture.name}.png": picture.png for picture in report.figures}
    write_folder(figures, drawn | {f"{picture.name}.svg": picture.svg for picture in report.figures})
    facts = [{"picture": f"{shown.failure.picture}.png", **asdict(shown.failure)} for shown in report.gallery]
    text = json.dumps(facts, allow_nan=False, ensure_ascii=False, indent=2) + "\n"
    pictures = {f"{shown.failure.picture}.png": shown.png for shown in report.gallery}
    write_folder(gallery, {**pictures, "gallery.json": text.encode("utf-8")})
    write_text_atomically(page, report.html)
