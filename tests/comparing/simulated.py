"""Systems that answer songs: what a comparison is tried on."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scored_fixtures import scored_clips

from instrumentarium.clips.labels import label_arrays
from instrumentarium.clips.scored import join_scores
from instrumentarium.evaluation.choosing import choose_thresholds
from instrumentarium.evaluation.significance import Answers
from instrumentarium.tables.schemas import CLIPS, SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import write_taxonomy
from taxonomies import IRMAS11

CODES = IRMAS11.codes
LABELS, SCORES = resolved_labels_table(IRMAS11), scores_table(IRMAS11)


@dataclass(frozen=True)
class Songs:
    """Clips of songs: what plays, what is known, which song."""

    targets: npt.NDArray[np.bool_]
    observed: npt.NDArray[np.bool_]
    recordings: npt.NDArray[np.str_]

    def answered(self, seed: int, *, skill: float = 1.0, song_noise: float = 1.0, decimals: int = 6) -> Answers:
        """Return a system's answers, whose mistakes are partly those of a whole song."""
        rng = np.random.default_rng(seed)
        _, song = np.unique(self.recordings, return_inverse=True)
        of_songs = song_noise * rng.standard_normal((song.max() + 1, self.targets.shape[1]))[song]
        logits = skill * (2.0 * self.targets - 1) + of_songs + 0.5 * rng.standard_normal(self.targets.shape)
        scores = np.round(1 / (1 + np.exp(-logits)), decimals)
        return Answers(
            scored_clips(self.targets, self.observed, scores, self.recordings),
            scores >= 0.5,
        )


def songs(count: int, clips: int, *, seed: int = 0, instruments: int = 3, seen: float = 1.0) -> Songs:
    """Draw songs of `clips` clips each, in all of which the same plays."""
    rng = np.random.default_rng([count, clips, seed])
    recordings = np.repeat([f"song{song:03d}" for song in range(count)], clips)
    targets = np.repeat(rng.random((count, instruments)) < 0.4, clips, axis=0)
    observed = rng.random(targets.shape) < seen
    return Songs(targets & observed, observed, recordings)


@dataclass(frozen=True)
class Workspace:
    """A folder that looks like the repository after a run."""

    root: Path

    def scores(self, *, seed: int, skill: float = 2.0) -> pd.DataFrame:
        """Return a system's scores of the clips of validation and test."""
        split, truth = SPLIT.read(self.root / "data/split.csv"), self.truth()
        rng = np.random.default_rng([seed, 7])
        rows = []
        for clip_id in split["clip_id"][split["split"] != "train"]:
            logits = skill * (2.0 * truth[clip_id] - 1) + 1.5 * rng.standard_normal(len(CODES))
            rows.append((clip_id, *np.round(1 / (1 + np.exp(-logits)), 6)))
        return pd.DataFrame(rows, columns=["clip_id", *CODES])

    def truth(self) -> dict[str, npt.NDArray[np.bool_]]:
        labels = LABELS.read(self.root / "data/labels.csv").pivot(
            index="clip_id", columns="instrument", values="relevance"
        )
        return {str(clip_id): row.to_numpy() > 0.5 for clip_id, row in labels[list(CODES)].iterrows()}

    def run(self, *, seed: int, skill: float = 2.0, rule: str = "per_instrument") -> None:
        """Do what the stages score and evaluate do: write scores and thresholds."""
        SCORES.write(self.root / "data/scores/model.csv", self.scores(seed=seed, skill=skill))
        (self.root / "params.yaml").write_text(
            f"seed: 3\ncollection: tiny\nlabels:\n  irmas_train_absent: negative\nevaluate:\n  rule: {rule}\n"
        )
        clips = CLIPS.read(self.root / "data/clips/tiny/irmas/clips.csv")
        known = label_arrays(
            clips,
            LABELS.read(self.root / "data/labels.csv"),
            IRMAS11,
            irmas_train_absent="negative",
        )
        tables = (
            SCORES.read(self.root / "data/scores/model.csv"),
            clips,
            known,
            SPLIT.read(self.root / "data/split.csv"),
        )
        part = join_scores(*tables, CODES).of_split("validation")
        thresholds = choose_thresholds(
            part.targets, part.scores, part.observed, part.recordings, codes=CODES, rule=rule
        )
        (self.root / "data/thresholds.json").write_text(json.dumps(thresholds.content()))

    def edit(self, table: str, edit: object) -> None:
        """Rewrite a table of data/ by a function of its frame."""
        contract = {
            "split.csv": SPLIT,
            "labels.csv": LABELS,
            "scores/model.csv": SCORES,
        }[table]
        contract.write(self.root / "data" / table, edit(contract.read(self.root / "data" / table)))


def make_workspace(root: Path, *, count: int = 24, seed: int = 0, clips: int = 3) -> Workspace:
    """Make a workspace with songs in train, validation and test, in turn; one system has been run."""
    drawn = songs(count, clips, seed=seed, instruments=len(CODES))
    parts = ("train", "validation", "test")
    rows, labels, split = [], [], []
    for row, recording in enumerate(drawn.recordings):
        clip_id = f"irmas/{recording}-{row % clips}"
        rows.append(
            {
                "clip_id": clip_id,
                "corpus": "irmas",
                "recording_id": f"irmas/{recording}",
                "path": clip_id,
                "duration_s": 3.0,
                "sample_rate_hz": 44100,
                "channels": 2,
                "first_sample": 10 * row,
                "n_samples": 10,
                "official_split": "test",
                "genre": "",
                "drums": "no",
                "licence": "unknown",
                "group": "",
                "pcm_hash": f"{row:032x}",
            }
        )
        split.append((clip_id, parts[row // clips % 3], f"irmas/{recording}"))
        labels += [(clip_id, code, float(drawn.targets[row, column])) for column, code in enumerate(CODES)]
    (root / "data/clips/tiny/irmas").mkdir(parents=True)
    CLIPS.write(root / "data/clips/tiny/irmas/clips.csv", pd.DataFrame(rows))
    LABELS.write(root / "data/labels.csv", pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"]))
    SPLIT.write(root / "data/split.csv", pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]))
    write_taxonomy(root / "data/taxonomy.json", IRMAS11)
    workspace = Workspace(root)
    workspace.run(seed=1)
    return workspace
