"""What the report says of the data, the model and the software: tables of names and values, from the stages' files."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from instrumentarium.reporting.rows import MissingReportInputError, ReportInputError, read_mapping
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.tables.schemas import REJECTED

SPLITS = ("train", "validation", "test")
SOFTWARE = (
    "dvc jinja2 matplotlib numpy pandas pillow pytorch-lightning safetensors scikit-learn scipy soundfile soxr timm torch "
    "torchaudio torchvision vl-convert-python"
).split()
"""What results depend on, of all that is installed."""

DESCRIBED = {
    "trained": "Trained",
    "recipe": "Recipe",
    "backbone": "Backbone",
    "head": "Head",
    "frontend": "Front end",
    "windows": "Windows",
    "versions": "Versions",
}
"""What the page shows of model.json, and its headings; a model need not have all."""
OVERRIDE_CHANGES = {
    "to_present": "to present",
    "to_absent": "to absent",
    "to_unknown": "to unknown",
    "unchanged": "as it was",
}
"""What overrides do to labels, and the columns they are counted in."""
DUPLICATES = {
    "exact": "pairs of equal samples",
    "fingerprint": "other pairs, found by fingerprint",
    "across_recordings": "pairs between recordings",
    "across_corpora": "pairs between corpora",
    "conflicting": "pairs whose labels disagree",
    "merged_recordings": "recordings merged into another",
    "dropped_clips": "clips left out because labels disagree",
}
"""What metrics/duplicates.json counts, and what the page calls it."""
LONGEST_LIST = 12
"""Longer ones are counted, not listed."""


@dataclass(frozen=True)
class Licence:
    """One licence: what of a corpus it covers, and what it forbids."""

    covers: str
    name: str
    url: str = ""
    forbids: str = ""


@dataclass(frozen=True)
class CorpusFacts:
    """What card.json of an ingested corpus says, as far as the page shows it."""

    corpus: str
    title: str
    page: str
    licences: tuple[Licence, ...]
    citation: str
    remark: str = ""


_FACTS: TypeAdapter[CorpusFacts] = TypeAdapter(CorpusFacts)


@dataclass(frozen=True)
class Share:
    """What of one corpus is in one split."""

    clips: int
    recordings: int
    seconds: float


@dataclass(frozen=True)
class CorpusCard:
    """One corpus as the model met it: its shares of the splits, its rejects by reason, its terms."""

    facts: CorpusFacts
    shares: Mapping[str, Share]
    rejected: Mapping[str, int]


def corpus_cards(folders: Sequence[Path], clips: pd.DataFrame, split: pd.DataFrame) -> list[CorpusCard]:
    """Return a card for each corpus that has clips or rejects, in the order of `folders`.

    Args:
        folders: of the ingested corpora, named for them.
        clips: columns clip_id, corpus, duration_s.
        split: columns clip_id, split, recording_id.

    Raises:
        MissingTableError, TableError: if a table of rejects is missing or broken.
        MissingReportInputError, ReportInputError: if a corpus has no card.json, or one that lacks a fact.
    """
    placed = split.merge(clips[["clip_id", "corpus", "duration_s"]], on="clip_id", validate="one_to_one")
    cards = []
    for folder in folders:
        mine = placed[placed["corpus"] == folder.name]
        rejected = REJECTED.read(folder / "rejected.csv")
        shares = {}
        for name in SPLITS:
            part = mine[mine["split"] == name]
            shares[name] = Share(len(part), part["recording_id"].nunique(), float(part["duration_s"].sum()))
        reasons = rejected["reason"].value_counts().sort_index()
        if len(mine) or len(rejected):
            counted = {str(reason): int(count) for reason, count in reasons.items()}
            cards.append(CorpusCard(corpus_facts(folder), shares, counted))
    return cards


def corpus_facts(folder: Path) -> CorpusFacts:
    """Return the facts that ingest wrote of a corpus.

    Raises:
        MissingReportInputError: if there are none.
        ReportInputError: if one is missing.
    """
    path = folder / "card.json"
    try:
        return _FACTS.validate_python(read_mapping(path, "ingest"))
    except ValidationError as error:
        raise ReportInputError(f"{path} is no corpus's card: {error}; run `dvc repro -f ingest`") from error


def model_tables(folder: Path) -> dict[str, dict[str, str]]:
    """Return what model.json says of the model: a table for each of DESCRIBED that it has.

    Raises:
        MissingReportInputError: if there is no model.
        ReportInputError: if model.json has no mapping `trained`.
    """
    content = read_mapping(folder / "model.json", "train")
    if not isinstance(content.get("trained"), Mapping):
        raise ReportInputError(f"{folder / 'model.json'} has no mapping `trained`; run `dvc repro -f train`")
    return {name: flat(part) for name in DESCRIBED if isinstance(part := content.get(name), Mapping)}


def flat(content: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return nested values as one table, keys joined by dots, short lists by commas."""
    table: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            table |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            few = len(value) <= LONGEST_LIST
            table[f"{prefix}{key}"] = ", ".join(map(str, value)) if few else f"{len(value)} values"
        else:
            table[f"{prefix}{key}"] = "–" if value is None else str(value)
    return table


def software(constraints: Path) -> list[tuple[str, str, str]]:
    """Return (name, installed version, pinned version) of Python and of what results depend on; "–" where there is none.

    Raises:
        MissingReportInputError: if `constraints` is missing.
    """
    if not constraints.exists():
        raise MissingReportInputError(f"{constraints} is missing; restore it with `git restore {constraints}`")
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pins = {name.lower(): version for name, _, version in (line.partition("==") for line in lines) if version}
    rows = [("python", platform.python_version(), "–")]
    for name in SOFTWARE:
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = "–"
        rows.append((name, installed, pins.get(name, "–")))
    return rows


def md5_of(path: Path, made_by: str) -> str:
    """Return a file's md5 as dvc.lock writes it.

    Raises:
        MissingReportInputError: if the file is missing.
    """
    if not path.exists():
        raise MissingReportInputError(f"{path} is missing; run `dvc repro {made_by}`")
    return md5_of_file(path)
