"""From the pipeline's files to a label that is split, and back to a file of overrides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from instrumentarium.clips.collection import corpus_folders, open_samples, read_clips
from instrumentarium.clips.labels import BoolArray, FloatArray, label_arrays
from instrumentarium.relabelling.labelsplit import LabelSplitError
from instrumentarium.runtime.section import closest
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.schemas import LABELS, resolved_labels_table
from instrumentarium.tables.taxonomy import read_taxonomy


@dataclass(frozen=True)
class Pupils:
    """The clips whose label is split, and those that teach how.

    Attributes:
        clip_ids: (learners,), sorted.
        learners: (learners, size), embeddings.
        teachers: (teachers, size), embeddings.
        truth: (teachers, targets), what plays in them.
    """

    clip_ids: tuple[str, ...]
    learners: FloatArray
    teachers: FloatArray
    truth: BoolArray


def gather_pupils(root: Path, collection: str, corpus: str, label: str, targets: Sequence[str], model: Path) -> Pupils:
    """Return the clips of a corpus that have a label, and clips of other corpora that tell the targets apart.

    What a missing label means is never guessed: a teacher has a label or IRMAS's one predominant instrument.

    Args:
        root: the repository's.
        collection: of the clips.
        corpus: whose label is split.
        label: in the corpus's own words.
        targets: codes of instruments of the taxonomy.
        model: folder of the trained model that embeds them.

    Raises:
        LabelSplitError: if there is no such corpus, label or instrument.
    """
    folders = corpus_folders(root / "data" / "clips" / collection)
    names = [folder.name for folder in folders]
    if corpus not in names:
        raise LabelSplitError(f"{corpus!r} is no corpus of collection {collection} ({closest(corpus, names)})")
    taxonomy = read_taxonomy(root / "data" / "taxonomy.json")
    unknown = [code for code in targets if code not in taxonomy.codes]
    if unknown:
        raise LabelSplitError(
            f"{unknown[0]!r} is no instrument of taxonomy {taxonomy.name} ({closest(unknown[0], list(taxonomy.codes))})"
        )
    own = LABELS.read(root / "data" / "clips" / collection / corpus / "labels.csv")
    stated = sorted(set(own["label"]))
    if label not in stated:
        raise LabelSplitError(f"corpus {corpus} has no label {label!r} ({closest(label, stated)})")
    clips = read_clips(folders)
    wanted = set(own["clip_id"][(own["label"] == label) & (own["relevance"] > 0.5)])
    resolved = resolved_labels_table(taxonomy).read(root / "data" / "labels.csv")
    known = label_arrays(clips, resolved, taxonomy, irmas_train_absent="negative")
    columns = [taxonomy.codes.index(code) for code in targets]
    teaching = known.observed[:, columns].all(axis=1) & known.targets[:, columns].any(axis=1)
    teaching &= (clips["corpus"] != corpus).to_numpy()
    learning = clips["clip_id"].isin(wanted).to_numpy()
    chosen = clips[teaching | learning].reset_index(drop=True)
    if chosen.empty:
        raise LabelSplitError(
            f"no clip of another corpus has {' or '.join(targets)}, so nothing teaches how they sound"
        )
    embeddings = Recognizer.load(model).embeddings(open_samples(chosen, folders)).astype(np.float64)
    is_learner = learning[teaching | learning]
    return Pupils(
        clip_ids=tuple(chosen["clip_id"][is_learner]),
        learners=embeddings[is_learner],
        teachers=embeddings[~is_learner],
        truth=known.targets[teaching][:, columns],
    )


def read_lineups(path: Path) -> dict[str, frozenset[str]]:
    """Return what plays in each clip, by a table with columns clip_id, instrument.

    Raises:
        LabelSplitError: if it is no such table.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise LabelSplitError(f"{path} is no CSV table: {error}") from error
    if not {"clip_id", "instrument"} <= set(table.columns):
        raise LabelSplitError(f"{path} has the columns {', '.join(table.columns)}; it must have clip_id and instrument")
    return {str(clip_id): frozenset(rows) for clip_id, rows in table.groupby("clip_id")["instrument"]}
