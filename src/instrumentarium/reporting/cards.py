"""What the report says of the data, the model and the software: tables of names and values, from the stages' files."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from instrumentarium.corpora.esc50.card import CARD as ESC50
from instrumentarium.corpora.irmas.card import CARD as IRMAS
from instrumentarium.corpora.openmic.card import CARD as OPENMIC
from instrumentarium.corpora.own.card import CARD as OWN
from instrumentarium.corpora.source.card import Card
from instrumentarium.reporting.rows import MissingReportInputError, ReportInputError, read_mapping
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.tables.schemas import REJECTED

CARDS: dict[str, Card] = {card.corpus: card for card in (IRMAS, OPENMIC, ESC50, OWN)}
SPLITS = ("train", "validation", "test")
SOFTWARE = (
    "dvc jinja2 matplotlib numpy pandas pillow pytorch-lightning safetensors scikit-learn scipy soundfile soxr timm torch "
    "torchaudio torchvision"
).split()
"""What results depend on, of all that is installed."""

DESCRIBED = ("frontend", "network", "trained", "versions", "windows")
"""What model.json tells besides the weights' layout."""


@dataclass(frozen=True)
class Share:
    """What of one corpus is in one split."""

    clips: int
    recordings: int
    seconds: float


@dataclass(frozen=True)
class CorpusCard:
    """One corpus as the model met it: its shares of the splits, its rejects by reason, its terms."""

    card: Card
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
            cards.append(CorpusCard(CARDS[folder.name], shares, counted))
    return cards


def model_tables(folder: Path) -> dict[str, dict[str, str]]:
    """Return what model.json says of the model: a table for each of DESCRIBED.

    Raises:
        MissingReportInputError: if there is no model.
        ReportInputError: if model.json lacks one of the tables.
    """
    content = read_mapping(folder / "model.json", "train")
    tables = {}
    for name in DESCRIBED:
        part = content.get(name)
        if not isinstance(part, dict):
            raise ReportInputError(
                f"{folder / 'model.json'} does not tell the model's {name}; run `dvc repro -f train`"
            )
        tables[name] = flat(part)
    return tables


def flat(content: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return nested values as one table, keys joined by dots, lists by commas."""
    table: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            table |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            table[f"{prefix}{key}"] = ", ".join(map(str, value))
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
