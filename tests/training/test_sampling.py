import itertools
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
import torch
from model_fixtures import clip_samples, label_rows, noise_clips

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.pooling import iterate_windows, summarise_windows
from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.training.sampling import EpochBatches, draw_clips

LENGTHS = [1, 50, 99, 100, 101, 149, 150, 200, 1003]


def ramps(lengths: list[int]) -> ClipSamples:
    """Return clips whose samples say which clip (thousands) they are of."""
    return clip_samples([np.full(length, 1000 * (clip + 1), np.int16) for clip, length in enumerate(lengths)])


def drawn(negatives: list[bool], windows: int, share: float, seed: int = 0) -> npt.NDArray[np.int_]:
    return draw_clips(np.array(negatives), windows, share, np.random.default_rng(seed))


@pytest.mark.parametrize("windows", [1, 7, 40, 333])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("empty", [0, 1, 6])
def test_every_clip_of_a_group_is_drawn_equally_often(windows: int, share: float, empty: int):
    negatives = [clip < empty for clip in range(20)]
    clips = drawn(negatives, windows, share)
    assert len(clips) == windows
    counts = Counter(clips.tolist())
    for group in (range(empty), range(empty, 20)):
        times = [counts[clip] for clip in group]
        assert not times or max(times) - min(times) <= 1
    if empty:
        assert sum(counts[clip] for clip in range(empty)) == round(share * windows)


@pytest.mark.parametrize("negatives", [[True] * 3, [False] * 3])
def test_a_group_that_stands_alone_gets_all_windows(negatives: list[bool]):
    assert Counter(drawn(negatives, 9, 0.1).tolist()) == {0: 3, 1: 3, 2: 3}


def test_the_order_of_a_draw_is_shuffled():
    clips = drawn([True] * 20 + [False] * 20, 400, 0.5)
    halves = [int((half < 20).sum()) for half in np.split(clips, 2)]
    assert min(halves) > 60
    assert clips.tolist() != sorted(clips.tolist())


def labels(samples: ClipSamples) -> LabelArrays:
    return label_rows([("cel", None)[number % 2] for number in range(len(samples))], samples.clip_ids)


def epoch(samples: ClipSamples, *, seed: int = 1, number: int = 0, windows: int = 40, batch: int = 8) -> EpochBatches:
    arrays = labels(samples)
    return EpochBatches(
        samples,
        arrays.targets,
        arrays.observed,
        windows=windows,
        window_samples=100,
        batch_size=batch,
        negatives_share=0.25,
        seed=seed,
        epoch=number,
    )


def all_waveforms(batches: EpochBatches) -> torch.Tensor:
    return torch.cat([batches[number].waveforms for number in range(len(batches))])


def test_an_epoch_follows_from_seed_and_number():
    samples = clip_samples(noise_clips([500] * 10))
    first = all_waveforms(epoch(samples))
    assert torch.equal(first, all_waveforms(epoch(samples)))
    assert not torch.equal(first, all_waveforms(epoch(samples, number=1)))
    assert not torch.equal(first, all_waveforms(epoch(samples, seed=2)))


def test_a_batch_can_be_had_on_its_own():
    samples = clip_samples(noise_clips([500] * 10))
    batches, again = epoch(samples), epoch(samples)
    expected = [batches[number].waveforms for number in range(5)]
    assert all(torch.equal(again[number].waveforms, expected[number]) for number in (4, 0, 2))
    assert [batches[number].number for number in range(5)] == list(range(5))


def test_labels_stay_with_their_windows():
    samples = ramps([300] * 10)
    batches = epoch(samples)
    seen = set()
    for number in range(len(batches)):
        batch = batches[number]
        assert batch.waveforms.dtype == torch.int16
        assert batch.targets.dtype == batch.observed.dtype == torch.float32
        clips = batch.waveforms[:, 0] // 1000 - 1
        assert (batch.waveforms // 1000 - 1 == clips[:, None]).all()  # a window lies within one clip
        assert torch.equal(batch.targets, torch.from_numpy(labels(samples).targets[clips]).float())
        assert batch.observed.all()
        seen |= set(clips.tolist())
    assert seen == set(range(10))


def test_clips_without_any_instrument_get_their_share():
    batches = epoch(ramps([300] * 10))
    silent = sum(int((batches[number].targets.sum(dim=1) == 0).sum()) for number in range(len(batches)))
    assert silent == 10


def test_a_clip_of_unknown_labels_is_no_negative():
    samples = ramps([300] * 10)
    arrays = labels(samples)
    batches = EpochBatches(
        samples,
        arrays.targets,
        arrays.targets,  # only what plays is observed
        windows=40,
        window_samples=100,
        batch_size=8,
        negatives_share=0.25,
        seed=1,
        epoch=0,
    )
    assert Counter(batches.clips.tolist()) == dict.fromkeys(range(10), 4)


def test_windows_start_anywhere_from_the_first_sample_to_the_last_window():
    ramp = clip_samples([np.arange(110, dtype=np.int16)])
    starts = Counter(all_waveforms(epoch(ramp, windows=400))[:, 0].tolist())
    assert set(starts) == set(range(11))
    assert max(starts.values()) < 3 * min(starts.values())


def test_a_clip_shorter_than_a_window_is_filled_up_with_silence():
    waveforms = all_waveforms(epoch(ramps([40, 40])))
    assert (waveforms[:, :40] != 0).all()
    assert not waveforms[:, 40:].any()


@pytest.mark.parametrize(("windows", "batch", "sizes"), [(40, 8, [8] * 5), (43, 8, [8] * 5), (5, 8, [5]), (8, 8, [8])])
def test_batches_are_full_unless_there_is_but_one(windows: int, batch: int, sizes: list[int]):
    batches = epoch(ramps([300] * 10), windows=windows, batch=batch)
    assert [len(batches[number].waveforms) for number in range(len(batches))] == sizes


@pytest.mark.parametrize("hop", [1, 33, 50, 100])
@pytest.mark.parametrize("samples", LENGTHS)
def test_windows_cover_every_sample_of_a_clip(samples: int, hop: int):
    starts = window_starts(samples, 100, hop)
    heard = np.zeros(max(samples, 100), dtype=int)
    for start in starts:
        assert 0 <= start <= max(samples - 100, 0)
        heard[start : start + 100] += 1
    assert heard[:samples].all()
    assert starts == sorted(set(starts))
    assert all(later - earlier <= hop for earlier, later in itertools.pairwise(starts))


def test_a_window_is_cut_where_it_starts():
    samples = np.arange(250, dtype=np.int16)
    assert cut_window(samples, 30, 100).tolist() == list(range(30, 130))
    assert cut_window(samples, 200, 100).tolist() == [*range(200, 250), *[0] * 50]


@pytest.mark.parametrize("batch_size", [1, 4, 7, 1000])
def test_every_window_of_every_clip_comes_once_and_in_order(batch_size: int):
    samples = ramps(LENGTHS)
    batches = list(iterate_windows(samples, 100, 50, batch_size))
    sizes = [len(waveforms) for waveforms, _ in batches]
    expected = [clip for clip, length in enumerate(LENGTHS) for _ in window_starts(length, 100, 50)]
    assert [int(owner) for _, owners in batches for owner in owners] == expected
    assert sum(sizes) == len(expected)
    assert all(size == batch_size for size in sizes[:-1])
    assert 0 < sizes[-1] <= batch_size
    for waveforms, owners in batches:
        assert waveforms.shape[1] == 100
        assert (waveforms[:, 0] // 1000 - 1 == owners).all()


def moments(waveforms: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    values = waveforms.astype(np.float32) / 32767
    return np.stack([values.mean(axis=1), values.std(axis=1)], axis=1)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_mean_and_maximum_are_over_the_windows_of_each_clip(batch_size: int):
    clips = noise_clips(LENGTHS)
    summary = summarise_windows(clip_samples(clips), 100, 50, batch_size, moments)
    assert summary.mean.shape == summary.maximum.shape == (len(LENGTHS), 2)
    for clip, mean, maximum in zip(clips, summary.mean, summary.maximum, strict=True):
        windows = np.stack([cut_window(clip, start, 100) for start in window_starts(len(clip), 100, 50)])
        values = moments(windows).astype(float)
        np.testing.assert_allclose(mean, values.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(maximum, values.max(axis=0), rtol=1e-6)


def test_no_clip_is_an_error():
    with pytest.raises(ValueError, match="there is no clip to predict for"):
        summarise_windows(clip_samples([]), 100, 50, 4, moments)


def test_full_scale_is_one():
    assert to_waveforms(torch.tensor([-32767, 0, 32767], dtype=torch.int16)).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("windows", [1, 7, 40, 333])
@pytest.mark.parametrize("seed", range(3))
def test_balanced_draws_give_every_instrument_as_many_windows(windows: int, seed: int):
    targets = np.zeros((20, 4), dtype=bool)
    targets[:2, 0] = targets[2:10, 1] = targets[10:13, 2] = True  # nothing plays the fourth
    negatives = np.arange(20) >= 16  # of 13, 14 and 15 nothing is known
    clips = draw_clips(negatives, windows, 0.2, np.random.default_rng(seed), targets)
    assert len(clips) == windows
    counts = np.bincount(clips, minlength=20)
    groups = [range(2), range(2, 10), range(10, 13), range(13, 16)]
    shares = [counts[list(group)].sum() for group in groups]
    assert counts[16:].sum() == round(0.2 * windows)
    assert max(shares) - min(shares) <= 1
    for group in (*groups, range(16, 20)):
        assert np.ptp(counts[list(group)]) <= 1


def test_a_clip_of_several_instruments_is_drawn_for_each():
    targets = np.array([[True, True], [True, False], [False, True]])
    counts = Counter(draw_clips(np.zeros(3, dtype=bool), 400, 0.2, np.random.default_rng(0), targets).tolist())
    assert counts == {0: 200, 1: 100, 2: 100}


def test_a_group_that_stands_alone_gets_all_windows_balanced_or_not():
    none = np.zeros((3, 2), dtype=bool)
    assert len(draw_clips(np.ones(3, dtype=bool), 9, 0.2, np.random.default_rng(0), none)) == 9
