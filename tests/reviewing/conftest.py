"""A repository in which the pipeline got as far as labels: three clips of tones, three instruments."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instrumentarium.reviewing.opening import Choice, open_review
from instrumentarium.reviewing.review import Review
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import write_taxonomy
from taxonomies import BAND3

RATE_HZ = 8000
LENGTHS = (8000, 4000, 6000)
CLIP_IDS = ("irmas/Part1/a [1], é", "irmas/Part1/b", "irmas/Part2/c <i>")
ISSUES = "clip_id,instrument,stated,score,nearest"


def write_repository(root: Path) -> Path:
    corpus = root / "data" / "clips" / "miniature" / "irmas"
    corpus.mkdir(parents=True)
    rows = []
    with SampleWriter(corpus / "samples") as writer:
        for number, (clip_id, length) in enumerate(zip(CLIP_IDS, LENGTHS, strict=True)):
            tone = 9000 * np.sin(2 * np.pi * 300 * (number + 1) * np.arange(length) / RATE_HZ)
            first = writer.append(tone.astype(np.int16))
            rows.append(
                (
                    *(clip_id, "irmas", f"irmas/song {number}", f"{clip_id[6:]}.wav", length / RATE_HZ, 44100, 2),
                    *(first, length, "test", "jaz_blu", "unknown", "CC", "", "0" * 32),
                )
            )
    CLIPS.write(corpus / "clips.csv", pd.DataFrame(rows, columns=list(CLIPS.columns)))
    first, second, third = BAND3.codes
    labels = [(CLIP_IDS[0], first, 1.0), (CLIP_IDS[0], second, 0.0), (CLIP_IDS[1], third, 0.75)]
    table = pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"])
    resolved_labels_table(BAND3).write(root / "data" / "labels.csv", table)
    split = [(clip_id, part, clip_id) for clip_id, part in zip(CLIP_IDS, ("test", "validation", "test"), strict=True)]
    SPLIT.write(root / "data" / "split.csv", pd.DataFrame(split, columns=list(SPLIT.columns)))
    write_taxonomy(root / "data" / "taxonomy.json", BAND3)
    (root / "params.yaml").write_text(f"collection: miniature\naudio:\n  sample_rate_hz: {RATE_HZ}\n")
    return root


def write_issues(root: Path, *rows: str, header: str = ISSUES) -> Path:
    path = root / "data" / "label_issues.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with three label issues."""
    root = write_repository(tmp_path)
    first, second, third = BAND3.codes
    write_issues(
        root,
        f'"{CLIP_IDS[0]}",{first},present,0.0312345,"irmas/x (absent), near"',
        f"{CLIP_IDS[1]},{third},present,0.2,",
        f'"{CLIP_IDS[0]}",{second},absent,0.9,',
    )
    return root


@pytest.fixture
def review(repository: Path) -> Review:
    return opened(repository)


def opened(root: Path, choice: Choice | None = None, source: str = "ear") -> Review:
    issues = root / "data" / "label_issues.csv"
    return open_review(root, choice or Choice(), issues=issues, out=root / "overrides" / "mine.csv", source=source)
