"""What the duplicates of a collection say of its labels: where they conflict, and the labels after the policy."""

import pandas as pd

from instrumentarium.clips.labels import IrmasTrainAbsent, label_arrays
from instrumentarium.clips.params import Conflicting
from instrumentarium.duplicates.conflicts import ResolvedLabels, find_conflicts, resolve_conflicts
from instrumentarium.duplicates.overriding import Overrides
from instrumentarium.tables.taxonomy import Taxonomy


def resolve_duplicates(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    pairs: pd.DataFrame,
    taxonomy: Taxonomy,
    *,
    irmas_train_absent: IrmasTrainAbsent,
    policy: Conflicting,
    overrides: Overrides | None = None,
) -> tuple[pd.DataFrame, ResolvedLabels]:
    """Return the pairs with a column `conflict`, and the labels after the policy.

    Overrides come first, so that what is put right no longer conflicts, and stand whatever the policy makes of conflicts.

    Args:
        clips: columns clip_id, corpus, official_split, duration_s.
        labels: columns clip_id, instrument, relevance; one row a known pair.
        pairs: columns clip_a, clip_b, overlap_s.
        taxonomy: the instruments.
        irmas_train_absent: what an IRMAS training clip says of the instruments that it does not name.
        policy: what becomes of conflicting labels.
        overrides: labels that take the place of those stated, if there are any.
    """
    overrides = overrides or Overrides()
    labels = overrides.applied(labels)
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent=irmas_train_absent)
    pairs = pairs.assign(conflict=find_conflicts(clips, pairs, known, taxonomy.codes))
    resolved = resolve_conflicts(clips, labels, pairs, known, taxonomy.codes, policy)
    return pairs, ResolvedLabels(overrides.applied(resolved.labels, without=resolved.dropped), resolved.dropped)
