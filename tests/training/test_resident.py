"""Clips in the device's memory give the batches that are read from the disk, to the byte."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import RECIPE, TRAINER, clip_samples, label_rows, noise_clips, tiny_run
from training.test_fit import TRAIN, quick_fit

from instrumentarium.clips import levels
from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.pooling import loudest_levels
from instrumentarium.runtime.errors import UserError
from instrumentarium.training import resident
from instrumentarium.training.augment.composition import Composition
from instrumentarium.training.augment.params import CompositionParams
from instrumentarium.training.partners import ClipTraits
from instrumentarium.training.resident import ResidentError, ResidentSamples
from instrumentarium.training.sampling import EpochBatches, TrainingBatch
from instrumentarium.training.sources import Sources

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

CPU = torch.device("cpu")
WINDOW = 4000
RESIDENT = TRAINER.model_copy(update={"samples": "resident"})


def fading_clips() -> ClipSamples:
    """Return clips of all lengths, of which every second is loud at its beginning alone, and one is silent."""
    clips = noise_clips([900, 4000, 4001, 10000, 25000, 1, 30000, 8000])
    for clip in clips[::2]:
        clip[len(clip) // 3 :] //= 200
    clips[-1][:] = 0
    return clip_samples(clips)


def both(sources: bool, batch_size: int = 16) -> list[list[TrainingBatch]]:
    """Return an epoch's batches, streamed and resident."""
    samples = fading_clips()
    labels = label_rows(["cel", "cla", "cel", None, "cla", "cel", "cla", None], samples.clip_ids)
    loudest = loudest_levels(samples, WINDOW, WINDOW // 2)
    found = None
    if sources:
        ids = np.array([f"r{number}" for number in range(len(samples))])
        traits = ClipTraits(ids, np.full(len(ids), ""), np.full(len(ids), -1), np.full(len(ids), np.nan))
        params = CompositionParams(probability=0.5, clips=3, level_db=6.0, partners="random", instruments=3)
        found = Sources(
            [Composition(params, params, 8000)],
            samples,
            labels.targets,
            labels.observed,
            traits,
            loudest_db=loudest,
            window_samples=WINDOW,
            quietest_db=30.0,
            seed=4,
        )
    epochs = []
    for kept in (None, ResidentSamples(samples, CPU, WINDOW)):
        batches = EpochBatches(
            samples,
            labels.targets,
            labels.observed,
            loudest,
            windows=160,
            window_samples=WINDOW,
            quietest_db=30.0,
            batch_size=batch_size,
            negatives_share=0.2,
            seed=4,
            epoch=1,
            sources=found,
            side=np.arange(len(samples))[:, None],
            resident=kept,
        )
        epochs.append([batches[number] for number in range(len(batches))])
    return epochs


@pytest.mark.parametrize("sources", [False, True])
def test_resident_batches_are_those_that_are_streamed(sources: bool):
    streamed, resident = both(sources)
    assert len(streamed) == len(resident) == 10
    for one, other in zip(streamed, resident, strict=True):
        for name in ("waveforms", "targets", "observed", "side"):
            first, second = getattr(one, name), getattr(other, name)
            assert first.dtype == second.dtype
            assert first.numpy().tobytes() == second.numpy().tobytes(), name
    hidden = sum(float((1 - batch.observed).sum()) for batch in resident)
    assert hidden > 0  # some windows are too soft to show what their clip is labelled with
    if sources:
        assert all(
            torch.equal(one.layers[0].waveforms, other.layers[0].waveforms)
            for one, other in zip(streamed, resident, strict=True)
        )


def test_levels_on_the_device_are_those_of_the_processor():
    windows = np.stack([*noise_clips([WINDOW] * 6), np.zeros(WINDOW, np.int16), np.full(WINDOW, 9000, np.int16)])
    windows[2] //= 400  # near silence
    expected = levels.levels_db(windows)
    np.testing.assert_allclose(resident.levels_db(torch.from_numpy(windows)).numpy(), expected, rtol=0, atol=1e-4)


def test_a_training_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    streamed = quick_fit(tmp_path / "streamed")
    read: list[int] = []
    monkeypatch.setattr(EpochBatches, "__getitem__", counted(EpochBatches.__getitem__, read))
    kept = quick_fit(tmp_path / "resident", tiny_run(trainer=RESIDENT))
    assert kept.rows == streamed.rows
    assert all(torch.equal(kept.best_weights[name], streamed.best_weights[name]) for name in streamed.best_weights)
    assert read == [number for _ in range(RECIPE.epochs) for number in range(5)]


def counted(method, read: list[int]):  # type: ignore[no-untyped-def]
    """Return the method, which now sees to it that no sample is read from the store."""

    def without_the_store(batches: EpochBatches, number: int) -> TrainingBatch:
        read.append(number)
        batches.samples = replace(batches.samples, stores=())
        return method(batches, number)  # type: ignore[no-any-return]

    return without_the_store


@pytest.mark.parametrize(("free", "fits"), [(10**6, True), (2 * 18 * 8000, False), (0, False)])
def test_samples_that_do_not_fit_are_refused(free: int, fits: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resident, "free_bytes", lambda device: free)
    if fits:
        assert ResidentSamples(TRAIN.samples, CPU, WINDOW).starting.shape == (18 * 8000 + 1, WINDOW)
        return
    with pytest.raises(
        ResidentError, match=r"samples of 18 training clips take 0.00 GB, more than 70%.*set it to streamed"
    ) as info:
        ResidentSamples(TRAIN.samples, CPU, WINDOW)
    assert isinstance(info.value, UserError)


def test_the_memory_that_is_free_is_known():
    assert 10**7 < resident.free_bytes(CPU) < 10**15
