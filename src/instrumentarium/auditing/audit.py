"""The audit as a whole: from tables and embeddings to ranked issues with their evidence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.auditing.evidence import count_labels, duplicates_of, nearest_clips
from instrumentarium.auditing.issues import Issues, find_issues
from instrumentarium.auditing.outoffold import Known, out_of_fold_scores, recording_means
from instrumentarium.auditing.params import AuditParams
from instrumentarium.auditing.planted import AuditMetrics
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.splitting.folds import folds
from instrumentarium.tables.schemas import LABEL_NEIGHBOURS, label_issues_table
from instrumentarium.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class Audit:
    """What the audit stage finds.

    Attributes:
        issues: of every labelled pair.
        table: the listed pairs with their evidence, as data/label_issues.csv has them.
        neighbours: the nearest clips of the listed ones, as data/label_neighbours.csv has them.
    """

    issues: Issues
    table: pd.DataFrame
    neighbours: pd.DataFrame


def audit_labels(
    clips: pd.DataFrame,
    split: pd.DataFrame,
    known: LabelArrays,
    duplicates: pd.DataFrame,
    embeddings: npt.NDArray[np.float32],
    taxonomy: Taxonomy,
    params: AuditParams,
    seed: int,
) -> Audit:
    """Find labels that are probably wrong.

    Args:
        clips: columns clip_id, corpus, official_split, duration_s.
        split: columns clip_id, split, recording_id; of the same clips.
        known: the labels of the clips, in their order.
        duplicates: columns clip_a, clip_b, overlap_s; pairs of these clips.
        embeddings: (clips, size), in the order of the clips.
        taxonomy: the instruments.
        params: of the audit.
        seed: of folds and landmarks.

    Raises:
        SplitError: if the clips are of one recording.
    """
    clips = clips.reset_index(drop=True)
    placed = clips[["clip_id"]].merge(split, on="clip_id", validate="one_to_one")
    recordings = placed["recording_id"].to_numpy(dtype=np.str_)
    learnt = Known(
        embeddings=embeddings.astype(np.float64),
        targets=known.targets,
        observed=known.observed,
        folds=_folds(clips, known, placed["recording_id"], taxonomy, params, seed),
        parts=(clips["corpus"] + "/" + clips["official_split"]).to_numpy(dtype=np.str_),
        recordings=recordings,
    )
    scores = recording_means(out_of_fold_scores(learnt, derive_seed(seed, "audit")), learnt)
    issues = find_issues(scores, known.targets, known.observed)
    rows, columns = _listed(issues, params.listed)
    near, cosines = nearest_clips(rows, learnt.embeddings, recordings, params.neighbours)
    return Audit(
        issues,
        _table(clips, placed, known, taxonomy, issues, (rows, columns), near, duplicates_of(clips, duplicates)),
        _neighbours(clips["clip_id"].to_numpy(), rows, near, cosines),
    )


def _folds(
    clips: pd.DataFrame,
    known: LabelArrays,
    recordings: "pd.Series[str]",
    taxonomy: Taxonomy,
    params: AuditParams,
    seed: int,
) -> npt.NDArray[np.int64]:
    rows, columns = np.nonzero(known.targets)
    present = pd.DataFrame(
        {
            "clip_id": clips["clip_id"].to_numpy()[rows],
            "instrument": np.array(taxonomy.codes)[columns],
            "relevance": 1.0,
        }
    )
    count = max(2, min(params.folds, recordings.nunique()))
    found = folds(clips, present, recordings, taxonomy.codes, count, derive_seed(seed, "audit folds"), runs=1)
    return found.to_numpy(dtype=np.int64)


def _listed(issues: Issues, least: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of the flagged pairs, and of others up to `least` in all, the least credible first."""
    rows, columns = issues.ranked()
    flagged = issues.flagged[rows, columns]
    others = np.cumsum(~flagged) <= least - flagged.sum()
    kept = flagged | others
    return rows[kept], columns[kept]


def _table(
    clips: pd.DataFrame,
    placed: pd.DataFrame,
    known: LabelArrays,
    taxonomy: Taxonomy,
    issues: Issues,
    pairs: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    near: npt.NDArray[np.intp],
    alike: dict[str, list[str]],
) -> pd.DataFrame:
    rows, columns = pairs
    ids = clips["clip_id"].to_numpy()
    row_of = {clip_id: row for row, clip_id in enumerate(ids)}
    stated = known.targets[rows, columns]
    most = max((len(others) for others in alike.values()), default=0)
    same = np.full((len(rows), max(most, 1)), -1, dtype=np.intp)
    for place, row in enumerate(rows):
        others = [row_of[other] for other in alike.get(ids[row], [])]
        same[place, : len(others)] = others
    present, absent = count_labels(near, columns, known)
    alike_present, alike_absent = count_labels(same, columns, known)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "clip_id": ids[rows],
            "instrument": np.array(taxonomy.codes)[columns],
            "stated": np.where(stated, "present", "absent"),
            "score": issues.scores[rows, columns].round(6),
            "quality": issues.quality[rows, columns].round(6),
            "flagged": np.where(issues.flagged[rows, columns], "yes", "no"),
            "split": placed["split"].to_numpy()[rows],
            "recording_id": placed["recording_id"].to_numpy()[rows],
            "neighbours_present": present,
            "neighbours_absent": absent,
            "duplicates_present": alike_present,
            "duplicates_absent": alike_absent,
        },
        columns=list(label_issues_table(taxonomy).columns),
    )


def _neighbours(
    ids: npt.NDArray[np.object_],
    rows: npt.NDArray[np.intp],
    near: npt.NDArray[np.intp],
    cosines: npt.NDArray[np.float64],
) -> pd.DataFrame:
    _, once = np.unique(rows, return_index=True)
    found = [
        (ids[rows[pair]], place + 1, ids[neighbour], round(float(cosine), 6))
        for pair in once
        for place, (neighbour, cosine) in enumerate(zip(near[pair], cosines[pair], strict=True))
        if neighbour >= 0
    ]
    return pd.DataFrame(found, columns=list(LABEL_NEIGHBOURS.columns))


def nothing_audited(taxonomy: Taxonomy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the two tables without rows."""
    return pd.DataFrame(columns=list(label_issues_table(taxonomy).columns)), pd.DataFrame(
        columns=list(LABEL_NEIGHBOURS.columns)
    )


def describe_audit(audit: Audit | None, codes: Sequence[str], metrics: AuditMetrics | None) -> dict[str, object]:
    """Return what data/audit.json says; `audited` is false, and all else null, where no audit was made."""
    if audit is None:
        return {"audited": False, "pairs": None, "flagged": None, "flagged_by_instrument": None, "planted": None}
    by_instrument = dict(zip(codes, audit.issues.flagged.sum(axis=0).tolist(), strict=True))
    return {
        "audited": True,
        "pairs": int((~np.isnan(audit.issues.quality)).sum()),
        "flagged": int(audit.issues.flagged.sum()),
        "flagged_by_instrument": by_instrument,
        "planted": None if metrics is None else asdict(metrics),
    }


def write_audit(tables: tuple[pd.DataFrame, pd.DataFrame], taxonomy: Taxonomy, issues: Path, neighbours: Path) -> None:
    """Write data/label_issues.csv and data/label_neighbours.csv."""
    label_issues_table(taxonomy).write(issues, tables[0])
    LABEL_NEIGHBOURS.write(neighbours, tables[1])
