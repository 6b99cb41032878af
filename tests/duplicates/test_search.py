"""What is found, and what is not: copies of a recording however they come, and nothing innocent."""

import numpy as np
import pandas as pd
import pytest
from duplicates.music import COPIES, RATE_HZ, collect, noisy, piece, to_int16

from instrumentarium.duplicates import matching
from instrumentarium.duplicates.coherence import coherence
from instrumentarium.duplicates.matching import Constellation
from instrumentarium.duplicates.search import COLUMNS, find_duplicates


def found(sounds: dict[str, np.ndarray], recordings: dict[str, str] | None = None) -> pd.DataFrame:
    clips, samples = collect(sounds, recordings)
    return find_duplicates(clips, samples, RATE_HZ)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.statistical)])
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found_however_it_comes(how: str, seed: int):
    original = piece(seed)
    pairs = found({"irmas/a": original, "openmic/b": COPIES[how](original), "irmas/c": piece(seed + 100)})
    assert len(pairs) == 1
    pair = pairs.iloc[0]
    assert (pair["clip_a"], pair["clip_b"], pair["kind"]) == ("irmas/a", "openmic/b", "fingerprint")
    begin_s = {"cut": 41_234 / RATE_HZ, "all of it": 41_234 / RATE_HZ, "half a frame later": -256 / RATE_HZ}.get(
        how, 0.0
    )
    delay_s = {"mp3": 0.06, "all of it": 0.06}.get(how, 1e-6)  # a coder may put some silence before the sound
    assert pair["offset_s"] == pytest.approx(begin_s, abs=delay_s)
    assert pair["overlap_s"] == pytest.approx(6 - max(0, begin_s), abs=delay_s)
    assert pair["matches"] >= 8


@pytest.mark.parametrize("how", ["cut", "half a frame later", "mp3"])
def test_a_pair_is_the_same_seen_from_either_side(how: str):
    original = piece(5)
    ahead = found({"a": original, "b": COPIES[how](original)}).iloc[0]
    back = found({"a": COPIES[how](original), "b": original}).iloc[0]
    assert back["offset_s"] == -ahead["offset_s"]
    assert back["overlap_s"] == pytest.approx(ahead["overlap_s"])
    assert back["matches"] == pytest.approx(ahead["matches"], rel=0.1)  # counted from the nearest whole frame


def test_the_order_of_clips_does_not_matter():
    sounds = {f"irmas/{number}": piece(number, 3.0) for number in range(6)}
    sounds |= {"openmic/0": COPIES["vorbis"](sounds["irmas/0"]), "openmic/3": sounds["irmas/3"].copy()}
    sounds["irmas/9"] = COPIES["cut"](sounds["irmas/3"])
    expected = found(sounds)
    assert len(expected) == 4
    names = list(sounds)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(names))
        pd.testing.assert_frame_equal(found({names[index]: sounds[names[index]] for index in order}), expected)


def test_blocks_leave_no_trace(monkeypatch: pytest.MonkeyPatch):
    sounds = {f"irmas/{number}": piece(number // 2, 3.0)[number % 2 * 4000 :] for number in range(12)}
    expected = found(sounds)
    assert len(expected) == 6
    monkeypatch.setattr(matching, "BLOCK_HASHES", 300)
    monkeypatch.setattr(matching, "BLOCK_VOTES", 50)
    pd.testing.assert_frame_equal(found(sounds), expected)


def test_equal_samples_are_exact_and_share_what_else_is_found():
    original = piece(7)
    sounds = {"a": original, "b": original.copy(), "c": COPIES["quieter"](original)}
    pairs = found(sounds).set_index(["clip_a", "clip_b"])
    assert pairs["kind"].to_dict() == {("a", "b"): "exact", ("a", "c"): "fingerprint", ("b", "c"): "fingerprint"}
    assert pairs.loc[("a", "b")].to_dict() == {"kind": "exact", "offset_s": 0.0, "overlap_s": 6.0, "matches": 0}
    assert pairs.loc[("a", "c")].to_dict() == pairs.loc[("b", "c")].to_dict()


def test_within_a_recording_only_what_sounds_alike_from_end_to_end_is_listed():
    original = piece(8)
    sounds = {"a": original, "b": original.copy(), "c": COPIES["quieter"](original), "d": original[RATE_HZ:]}
    one = dict.fromkeys(sounds, "song")
    assert found(sounds, one)[["clip_a", "clip_b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    other = one | {"d": "another song"}
    assert set(found(sounds, other)["clip_b"]) == {"b", "c", "d"}


def test_different_pieces_of_one_instrument_do_not_match():
    assert found({f"irmas/{number:02d}": piece(number, 4.0) for number in range(40)}).empty


def test_one_rhythm_does_not_match_another_take_of_it():
    rng = np.random.default_rng(0)
    sounds = {}
    for take in range(8):  # the same drum pattern at the same tempo, each stroke's noise its own
        sound = np.zeros(4 * RATE_HZ)
        for beat in range(16):
            stroke = rng.standard_normal(RATE_HZ // 5) * np.exp(-np.arange(RATE_HZ // 5) / 800)
            sound[beat * RATE_HZ // 4 :][: len(stroke)] += stroke
        sounds[f"irmas/{take}"] = to_int16(0.15 * sound)
    assert found(sounds).empty


def test_noises_do_not_match():
    rng = np.random.default_rng(1)
    assert found({f"esc50/{n}": to_int16(0.1 * rng.standard_normal(5 * RATE_HZ)) for n in range(8)}).empty


def test_sustained_tones_do_not_match():
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = to_int16(0.5 * np.sin(2 * np.pi * 440 * time))
    sounds = {f"a{n}": noisy(tone, 50.0, seed=n)[n * 100 :] for n in range(4)}
    assert found(sounds).empty


def test_a_note_in_common_is_not_a_recording_in_common():
    # one sampler plays one note in two pieces: equal samples for as long as it lasts
    note = piece(30)[: RATE_HZ // 2]
    first, second = piece(31), piece(32)
    for place, sound in ((20_000, first), (90_000, second)):
        sound[place : place + len(note)] = note
    assert found({"a": first, "b": second}).empty


def test_a_collection_without_clips_or_sound_has_none():
    for sounds in ({}, {"a": piece(0)}, {"a": piece(0)[:3000], "b": piece(1)[:100]}):
        pairs = found(sounds)
        assert list(pairs.columns) == list(COLUMNS)
        assert pairs.empty


def test_coherence_of_a_copy_is_one_and_of_others_small():
    samples = piece(40)
    lag, agreement = coherence(samples[700:100_700], samples[:100_000], 768, RATE_HZ)
    assert lag == -700
    assert agreement == pytest.approx(1, abs=1e-3)
    assert coherence(samples, -samples, 768, RATE_HZ) == (0, pytest.approx(1))
    assert coherence(samples, piece(41), 768, RATE_HZ)[1] < 0.4
    assert coherence(np.zeros(RATE_HZ, np.int16), np.zeros(RATE_HZ, np.int16), 768, RATE_HZ)[1] == 0


def test_more_frames_than_the_index_can_tell_apart_are_refused():
    with pytest.raises(ValueError, match=r"4294967298 frames are more than the index can tell apart, 4294967296"):
        Constellation.build([np.zeros((0, 2), dtype=np.int64)], [1 << 32])
