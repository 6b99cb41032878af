"""What lies in more than one split though it must not: recordings, equal samples, the same sound found by fingerprints."""

from dataclasses import dataclass

import pandas as pd

from instrumentarium.splitting.errors import SplitError, listed


@dataclass(frozen=True)
class Leaks:
    """What straddles splits.

    Attributes:
        recordings: ids of the recordings that occur in more than one split.
        exact_duplicates: "clip = clip" for clips with equal samples in different splits, one for each sound.
        fingerprints: "clip ~ clip" for every pair that fingerprints matched, in different splits.
        clips: ids of the clips that take part, in alphabetical order.
    """

    recordings: tuple[str, ...]
    exact_duplicates: tuple[str, ...]
    fingerprints: tuple[str, ...]
    clips: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return how many of each kind there are."""
        return {
            "recordings": len(self.recordings),
            "exact_duplicates": len(self.exact_duplicates),
            "fingerprints": len(self.fingerprints),
        }


def find_leaks(clips: pd.DataFrame, split: pd.DataFrame, duplicates: pd.DataFrame) -> Leaks:
    """Look for what straddles splits; both the publishers' recordings and the merged ones count.

    Args:
        clips: columns clip_id, recording_id, pcm_hash.
        split: columns clip_id, split, recording_id; the same clips.
        duplicates: columns clip_a, clip_b, kind.

    Raises:
        SplitError: if `duplicates` names a clip that `split` does not have.
    """
    merged = split[["clip_id", "split"]].assign(merged=split["recording_id"])
    table = clips[["clip_id", "recording_id", "pcm_hash"]].merge(merged, on="clip_id").sort_values("clip_id")
    torn = {key: _torn(table, key) for key in ("merged", "recording_id", "pcm_hash")}
    recordings = {str(name) for key in ("merged", "recording_id") for name in torn[key][key]}
    exact = [_first_across(group) for _, group in torn["pcm_hash"].groupby("pcm_hash")]

    split_of = dict(zip(table["clip_id"], table["split"], strict=True))
    pairs = list(zip(duplicates["clip_a"], duplicates["clip_b"], duplicates["kind"], strict=True))
    unknown = sorted({clip for one, two, _ in pairs for clip in (one, two)} - set(split_of))
    if unknown:
        raise SplitError(
            f"the table of duplicates names {len(unknown)} clips that are not among the clips: {listed(unknown)}; "
            "run `dvc repro duplicates`"
        )
    across = [(one, two, kind) for one, two, kind in pairs if split_of[one] != split_of[two]]
    hash_of = dict(zip(table["clip_id"], table["pcm_hash"], strict=True))
    exact += [(one, two) for one, two, kind in across if kind == "exact" and hash_of[one] != hash_of[two]]
    alike = [(one, two) for one, two, kind in across if kind == "fingerprint"]
    involved = {str(clip) for rows in torn.values() for clip in rows["clip_id"]}
    involved |= {clip for one, two, _ in across for clip in (one, two)}
    return Leaks(
        recordings=tuple(sorted(recordings)),
        exact_duplicates=tuple(f"{one} = {two}" for one, two in exact),
        fingerprints=tuple(f"{one} ~ {two}" for one, two in alike),
        clips=tuple(sorted(involved)),
    )


def check_leaks(leaks: Leaks, source: str) -> None:
    """Check that nothing straddles.

    Raises:
        SplitError: saying what does, with some of the clips.
    """
    if not leaks.clips:
        return
    kinds = {
        "recordings": leaks.recordings,
        "pairs of clips with equal samples": leaks.exact_duplicates,
        "pairs of clips with matching fingerprints": leaks.fingerprints,
    }
    found = "".join(f"\n  {len(names)} {kind}: {listed(list(names))}" for kind, names in kinds.items() if names)
    raise SplitError(
        f"{source} puts what belongs together into different splits:{found}\n  clips: {listed(list(leaks.clips))}\n"
        "All clips of a recording and all copies of a sound must lie in one split."
    )


def _torn(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the rows whose `key` occurs in more than one split."""
    return table[table.groupby(key)["split"].transform("nunique") > 1]


def _first_across(group: pd.DataFrame) -> tuple[str, str]:
    """Return the first clip of a torn group and the first that lies in another split."""
    one = group.iloc[0]
    two = group[group["split"] != one["split"]].iloc[0]
    return str(one["clip_id"]), str(two["clip_id"])
