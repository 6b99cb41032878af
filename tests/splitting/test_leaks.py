import pandas as pd
import pytest
from splitting_fixtures import NO_DUPLICATES, clips_of, pairs_of

from instrumentarium.splitting.errors import SplitError
from instrumentarium.splitting.leaks import check_leaks, find_leaks

CLIPS = clips_of(
    ("irmas/a1", "irmas/a", "", "1"),
    ("irmas/a2", "irmas/a", "", "2"),
    ("irmas/b", "irmas/b", "", "3"),
    ("openmic/c", "openmic/c", "", "3"),
    ("openmic/d", "openmic/d", "", "4"),
)


def split_of(*splits: str, recordings: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return split.csv of CLIPS, t, v, T for the splits; the recordings are the publishers' unless given."""
    names = {"t": "train", "v": "validation", "T": "test"}
    return pd.DataFrame(
        {
            "clip_id": CLIPS["clip_id"],
            "split": [names[split] for split in splits],
            "recording_id": CLIPS["recording_id"] if recordings is None else list(recordings),
        }
    )


def test_where_nothing_straddles_nothing_is_found():
    pairs = pairs_of(("irmas/b", "openmic/c", "exact"), ("irmas/a1", "irmas/a2", "fingerprint"))
    leaks = find_leaks(CLIPS, split_of(*"ttvvT"), pairs)
    assert leaks.counts() == {"recordings": 0, "exact_duplicates": 0, "fingerprints": 0}
    check_leaks(leaks, "the split")


@pytest.mark.parametrize(
    ("splits", "pairs", "counts", "named"),
    [
        ("tvTTt", NO_DUPLICATES, (1, 0, 0), ("irmas/a1", "irmas/a2")),
        ("tttvT", NO_DUPLICATES, (0, 1, 0), ("irmas/b", "openmic/c")),
        ("tttvT", pairs_of(("irmas/b", "openmic/c", "exact")), (0, 1, 0), ("irmas/b", "openmic/c")),
        ("ttvvT", pairs_of(("irmas/b", "openmic/d", "exact")), (0, 1, 0), ("irmas/b", "openmic/d")),
        ("ttvvT", pairs_of(("irmas/b", "openmic/d", "fingerprint")), (0, 0, 1), ("irmas/b", "openmic/d")),
    ],
    ids=["recording", "equal samples", "equal samples, paired", "a pair called exact", "fingerprint"],
)
def test_each_kind_of_leak_is_counted_and_its_clips_are_named(splits, pairs, counts, named):
    leaks = find_leaks(CLIPS, split_of(*splits), pairs)
    assert tuple(leaks.counts().values()) == counts
    assert leaks.clips == named
    with pytest.raises(SplitError, match=r"halves\.csv puts what belongs together into different splits") as error:
        check_leaks(leaks, "halves.csv")
    for clip in named:
        assert clip in str(error.value)


def test_a_merged_recording_counts_like_a_publishers():
    split = split_of(*"ttvTT", recordings=("irmas/a", "irmas/a", "irmas/b", "openmic/c", "irmas/b"))
    assert find_leaks(CLIPS.assign(pcm_hash=CLIPS["clip_id"]), split, NO_DUPLICATES).recordings == ("irmas/b",)


def test_many_leaks_are_counted_and_some_are_named():
    clips = clips_of(*[(f"own/{n}-{m}", f"own/{n}", "", f"{n}{m}") for n in range(9) for m in range(2)])
    split = pd.DataFrame(
        {"clip_id": clips["clip_id"], "split": ["train", "test"] * 9, "recording_id": clips["recording_id"]}
    )
    with pytest.raises(SplitError, match=r"9 recordings: 'own/0'.* and 4 more\n  clips: 'own/0-0'.* and 13 more"):
        check_leaks(find_leaks(clips, split, NO_DUPLICATES), "the split")


def test_duplicates_of_other_clips_are_refused():
    with pytest.raises(
        SplitError, match=r"names 1 clips that are not among the clips: 'own/x'; run `dvc repro duplicates`"
    ):
        find_leaks(CLIPS, split_of(*"ttvvT"), pairs_of(("irmas/b", "own/x", "fingerprint")))
