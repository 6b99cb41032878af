import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentarium.clips.duplicates import merged_recordings, pairs_among


def clips_of(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return clips from (clip_id, recording), all of different samples."""
    frame = pd.DataFrame(list(rows), columns=["clip_id", "recording_id"])
    return frame.assign(pcm_hash=[f"{row:032x}" for row in range(len(frame))])


def pairs_of(*pairs: tuple[str, str], kind: str = "fingerprint") -> pd.DataFrame:
    return pd.DataFrame(list(pairs), columns=["clip_a", "clip_b"]).assign(kind=kind)


def test_recordings_merge_across_a_chain_of_pairs():
    clips = clips_of(("1", "c"), ("2", "d"), ("3", "d"), ("4", "b"), ("5", "a"))
    assert merged_recordings(clips, pairs_of(("1", "2"), ("3", "4"))).tolist() == ["b", "b", "b", "b", "a"]


def test_without_pairs_each_recording_keeps_its_id_and_the_result_its_index():
    clips = clips_of(("1", "a"), ("2", "a"), ("3", "b")).set_index(pd.Index([7, 3, 9]))
    merged = merged_recordings(clips, pairs_of(("1", "2")))
    assert merged.tolist() == ["a", "a", "b"]
    assert merged.index.tolist() == [7, 3, 9]
    assert merged_recordings(clips, pairs_of()).tolist() == ["a", "a", "b"]


def test_equal_samples_join_without_a_pair():
    clips = clips_of(("1", "b"), ("2", "c"), ("3", "a"), ("4", "d")).assign(pcm_hash=["x", "y", "x", "y"])
    assert merged_recordings(clips, pairs_of()).tolist() == ["a", "c", "a", "c"]


def test_clips_that_left_join_nothing():
    clips = clips_of(("1", "a"), ("3", "b"))
    assert merged_recordings(clips, pairs_of(("1", "2"), ("2", "3"))).tolist() == ["a", "b"]


@settings(max_examples=50, deadline=None)
@given(
    songs=st.lists(st.integers(0, 8), min_size=1, max_size=20),
    pairs=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=12),
)
def test_recordings_merge_exactly_where_sound_connects_them(songs: list[int], pairs: list[tuple[int, int]]):
    pairs = [(one % len(songs), two % len(songs)) for one, two in pairs]
    clips = clips_of(*[(str(row), f"{song:02d}") for row, song in enumerate(songs)])
    connected = {song: {song} for song in songs}
    for _ in songs:
        for one, two in pairs:
            for a, b in ((songs[one], songs[two]), (songs[two], songs[one])):
                connected[a] |= connected[b]
                for other in list(connected[a]):
                    connected[other] |= connected[a]
    merged = merged_recordings(clips, pairs_of(*((str(one), str(two)) for one, two in pairs)))
    assert merged.tolist() == [f"{min(connected[song]):02d}" for song in songs]


def test_pairs_remain_of_which_both_clips_do():
    pairs = pairs_of(("1", "2"), ("2", "3"), ("1", "4"))
    assert pairs_among(clips_of(("1", "a"), ("2", "b"), ("3", "b")), pairs)[
        ["clip_a", "clip_b"]
    ].to_numpy().tolist() == [
        ["1", "2"],
        ["2", "3"],
    ]
    assert pairs_among(clips_of(("1", "a")), pairs).empty
