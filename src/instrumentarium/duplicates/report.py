"""The metrics of metrics/duplicates.json."""

import pandas as pd

from instrumentarium.clips.duplicates import merged_recordings
from instrumentarium.duplicates.conflicts import ResolvedLabels


def describe_duplicates(clips: pd.DataFrame, duplicates: pd.DataFrame, resolved: ResolvedLabels) -> dict[str, int]:
    """Count pairs by their kind and by what they connect, and what they lead to.

    Args:
        clips: columns clip_id, corpus, recording_id.
        duplicates: with all columns of the duplicates table.
        resolved: the labels after the policy.
    """
    known = clips.set_index("clip_id")

    def across(column: str) -> int:
        sides = (known[column][duplicates[side]].to_numpy() for side in ("clip_a", "clip_b"))
        return int((next(sides) != next(sides)).sum())

    return {
        "exact": int((duplicates["kind"] == "exact").sum()),
        "fingerprint": int((duplicates["kind"] == "fingerprint").sum()),
        "across_corpora": across("corpus"),
        "across_recordings": across("recording_id"),
        "conflicting": int((duplicates["conflict"] != "").sum()),
        "merged_recordings": int(clips["recording_id"].nunique() - merged_recordings(clips, duplicates).nunique()),
        "dropped_clips": len(resolved.dropped),
    }
