"""Which clips are put together, and the batches that come of it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from model_fixtures import RECIPE, STRONG, augmented, clip_samples, label_rows, noise_clips, tiny_model, tiny_run
from torch.utils.data import DataLoader

from instrumentarium.clips.labels import LabelArrays
from instrumentarium.runtime.errors import UserError
from instrumentarium.training.augment.background import Background
from instrumentarium.training.augment.composition import Composition
from instrumentarium.training.augment.params import AugmentParams, Partners
from instrumentarium.training.augment.waveforms import WaveformAugmentation
from instrumentarium.training.fit import fit
from instrumentarium.training.partners import ClipTraits, PartnerPool, PartnersError, clip_traits
from instrumentarium.training.sampling import TrainingBatch
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import RecognitionTask
from taxonomies import IRMAS11

pytestmark = pytest.mark.filterwarnings("ignore")

CODES = (*IRMAS11.codes, None)
CLIPS = 48  # four of each instrument, in 24 recordings, and four of none


def traits() -> ClipTraits:
    numbers = np.arange(CLIPS)
    return ClipTraits(
        recording=np.array([f"r{number // 2}" for number in numbers]),
        genre=np.array([("", "jazz", "rock")[number % 3] for number in numbers]),
        scale=numbers % 4 - 1,
        tempo_bpm=np.where(numbers % 5 == 0, np.nan, 60.0 + numbers),
    )


def data(observed: np.ndarray | None = None) -> SplitData:
    samples = clip_samples(noise_clips([6000] * CLIPS, seed=3))
    labels = label_rows([CODES[number // 4] for number in range(CLIPS)], samples.clip_ids)
    if observed is not None:
        labels = LabelArrays(labels.clip_ids, labels.targets & observed, observed)
    return SplitData(samples, labels, traits())


def pool(rule: Partners) -> PartnerPool:
    return PartnerPool(rule, traits(), data().labels.targets)


@pytest.mark.parametrize("rule", ["random", "genre", "key", "tempo"])
def test_partners_are_of_distinct_recordings_and_have_in_common_what_the_rule_says(rule: Partners):
    found, known = pool(rule), traits()
    rng = np.random.default_rng(0)
    sizes = set()
    for clip in range(CLIPS - 4):
        partners = found.draw(clip, 4, 4, rng)
        sizes.add(len(partners))
        together = [clip, *partners]
        assert len({known.recording[each] for each in together}) == len(together)
        assert len({each // 4 for each in together}) <= 4  # instruments
        assert all(each < CLIPS - 4 for each in partners)  # clips without any instrument are nobody's partners
        if partners and rule == "genre":
            assert known.genre[clip] != ""
            assert {known.genre[each] for each in together} == {known.genre[clip]}
        if partners and rule == "key":
            assert {known.scale[each] for each in together} == {known.scale[clip]} != {-1}
        if partners and rule == "tempo":
            ratio = known.tempo_bpm[partners] / known.tempo_bpm[clip]
            assert ((ratio < 1.0501) & (ratio > 1 / 1.0501)).all()
    assert max(sizes) >= 3
    if rule != "random":
        assert 0 in sizes  # of which genre, key or tempo is not known


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_instruments_than_allowed(most: int):
    found, rng = pool("random"), np.random.default_rng(1)
    counts = [len({clip // 4, *(each // 4 for each in found.draw(clip, 4, most, rng))}) for clip in range(CLIPS - 4)]
    assert max(counts) == most


def test_every_partner_is_reached_about_as_often():
    found, rng = pool("random"), np.random.default_rng(2)
    drawn = np.bincount([found.draw(0, 1, 4, rng)[0] for _ in range(4200)], minlength=CLIPS)
    assert drawn[0] == drawn[1] == 0  # its own recording
    np.testing.assert_allclose(drawn[2 : CLIPS - 4] / 4200, 1 / 42, atol=0.012)


@pytest.mark.parametrize(("rule", "what"), [("random", "at all"), ("genre", "of one genre"), ("tempo", "of one tempo")])
def test_clips_without_partners_are_refused(rule: Partners, what: str):
    alone = ClipTraits(np.array(["a", "a"]), np.array(["", "x"]), np.array([-1, 2]), np.array([np.nan, 90.0]))
    with pytest.raises(PartnersError, match=f"no two training recordings {what} can be put together") as info:
        PartnerPool(rule, alone, np.ones((2, 3), np.bool_))
    assert isinstance(info.value, UserError)


def table(rows: Iterable[tuple[str, str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["recording_id", "key", "mode", "tempo_bpm"])


def test_a_minor_key_has_the_scale_of_its_relative():
    clips = pd.DataFrame({"clip_id": ["a", "b", "c", "d"], "genre": ["", "x", "", ""]})
    keys = table([("A", "C", "major", 90.0), ("B", "A", "minor", 0.0), ("C", "unknown", "unknown", 120.0)])
    found = clip_traits(clips, {"a": "A", "b": "B", "c": "C", "d": "A"}, keys)
    assert found.recording.tolist() == ["A", "B", "C", "A"]
    assert found.scale.tolist() == [0, 0, -1, 0]
    np.testing.assert_array_equal(found.tempo_bpm, [90.0, np.nan, 120.0, 90.0])
    nothing = clip_traits(clips, dict.fromkeys("abcd", "A"))
    assert set(nothing.scale) == {-1}
    assert np.isnan(nothing.tempo_bpm).all()


def test_a_recording_without_a_row_says_what_to_run():
    clips = pd.DataFrame({"clip_id": ["a"], "genre": [""]})
    with pytest.raises(PartnersError, match=r"1 recordings have no key and tempo, first A; run `dvc repro keys`"):
        clip_traits(clips, {"a": "A"}, table([]))


COMPOSED: dict[str, Any] = {"clips": 3, "instruments": 3, "level_db": 6.0, "partners": "random"}
SUMS = augmented(sum={"probability": 0.6, **COMPOSED})
ALL = augmented(
    sum={"probability": 0.4, **COMPOSED},
    concatenate={"probability": 0.4, **COMPOSED},
    background={"probability": 0.5, "snr_db": 10.0},
)


def task(params: AugmentParams = ALL, train: SplitData | None = None, seed: int = 1) -> RecognitionTask:
    recipe = RECIPE.model_copy(update={"windows_per_epoch": 64, "batch_size": 16})
    return RecognitionTask(tiny_run(tiny_model().eval(), recipe, params, seed), train or data(), data())


def augmented_labels(found: RecognitionTask, batch: TrainingBatch) -> tuple[np.ndarray, np.ndarray]:
    _, targets, observed = found.augmented_output(batch)
    return targets.numpy(), observed.numpy()


def test_labels_of_a_batch_are_the_union_of_what_is_in_it():
    found = task(SUMS)
    for batch in found.train_dataloader():
        (layer,) = batch.layers
        count = layer.draw.count.numpy()
        targets, observed = augmented_labels(found, batch)
        expected = batch.targets.numpy().copy()
        for row in range(len(count)):
            for place in range(count[row] - 1):
                assert layer.targets[row, place].any()
                assert layer.waveforms[row, place].any()
                expected[row] = np.maximum(expected[row], layer.targets[row, place])
            assert not layer.waveforms[row, count[row] - 1 :].any()
        np.testing.assert_array_equal(targets, expected)
        assert observed.all()
        assert (targets.sum(axis=1) <= 3).all()
        negative = ~batch.targets.numpy().any(axis=1)
        assert (count[negative] == 1).all()  # a clip without any instrument stays one
        assert (count[~negative] > 1).any()


def test_nobody_knows_of_what_one_of_the_clips_does_not_know():
    observed = np.ones((CLIPS, 11), np.bool_)
    observed[::2, 5:] = False
    found = task(SUMS, data(observed))
    for batch in found.train_dataloader():
        (layer,) = batch.layers
        targets, seen = augmented_labels(found, batch)
        everywhere = np.minimum(batch.observed.numpy(), layer.observed.numpy().min(axis=1))
        np.testing.assert_array_equal(seen, np.maximum(targets, everywhere))


def test_batches_follow_from_seed_epoch_and_number_whatever_worker_reads_them_and_when():
    def content(batch: TrainingBatch) -> list[bytes]:
        tensors = [batch.waveforms, batch.targets, batch.observed]
        for layer in batch.layers:
            tensors += [layer.waveforms, layer.targets, layer.observed, layer.draw.gain]
        return [tensor.numpy().tobytes() for tensor in tensors]

    batches = task().train_dataloader().dataset
    backwards = [content(batches[number]) for number in (3, 2, 1, 0)][::-1]
    assert backwards == [content(batches[number]) for number in range(4)]
    workers = DataLoader(task().train_dataloader().dataset, batch_size=None, num_workers=2)
    assert backwards == [content(batch) for batch in workers]
    other = task(seed=2).train_dataloader().dataset
    assert backwards[0] != content(other[0])
    assert content(batches[0])[3] != content(batches[1])[3]


def test_the_windows_themselves_are_those_of_a_training_without_partners():
    plain, composed = (task(params).train_dataloader().dataset for params in (STRONG, ALL))
    for number in range(4):
        assert torch.equal(plain[number].waveforms, composed[number].waveforms)


def test_a_training_with_everything_put_together_runs_and_repeats(tmp_path):
    runs = [
        fit(tiny_run(augment=ALL, recipe=RECIPE.model_copy(update={"epochs": 2})), data(), data(), tmp_path / name)
        for name in ("one", "two")
    ]
    assert runs[0].rows == runs[1].rows
    assert all(torch.equal(runs[0].best_weights[key], runs[1].best_weights[key]) for key in runs[0].best_weights)


def test_validation_is_never_augmented(monkeypatch: pytest.MonkeyPatch):
    calls = []
    for kind in (Composition, Background, WaveformAugmentation):

        def noted(self, x, draw, original=kind.apply):
            calls.append(original)
            return original(self, x, draw)

        monkeypatch.setattr(kind, "apply", noted)
    found = task()
    for number in range(len(found.validation_windows)):
        found.validation_step(found.validation_windows[number], number)
    assert not calls
    found.augmented_output(next(iter(found.train_dataloader())))
    assert len(calls) == 3


def test_backgrounds_come_from_clips_without_any_instrument():
    found = task(augmented(background={"probability": 1.0, "snr_db": 10.0}))
    negatives = {data().samples.read(clip).tobytes() for clip in range(CLIPS - 4, CLIPS)}
    batch = next(iter(found.train_dataloader()))
    (layer,) = batch.layers
    assert (layer.draw.gain > 0).all()
    for window in layer.waveforms[:, 0].numpy():
        assert any(window.tobytes() in clip for clip in negatives)
    targets, observed = augmented_labels(found, batch)
    assert np.array_equal(targets, batch.targets.numpy())
    assert np.array_equal(observed, batch.observed.numpy())


def test_backgrounds_without_such_clips_are_refused():
    samples = clip_samples(noise_clips([6000] * 6))
    music = SplitData(samples, label_rows(["cel"] * 6, samples.clip_ids))
    with pytest.raises(PartnersError, match="`background` takes clips without any instrument, and no training clip is"):
        task(augmented(background={"probability": 1.0, "snr_db": 10.0}), music)


def test_a_part_of_a_sequence_in_which_nothing_sounds_shows_no_instrument():
    found = task(augmented(concatenate={"probability": 1.0, **COMPOSED}))
    assert found.sources is not None
    clip = np.zeros(6000, np.int16)
    clip[:400] = 8000 * np.sin(np.arange(400))
    assert found.sources._too_soft(0, clip[1000:2000])
    assert not found.sources._too_soft(0, clip[:1000])
