import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import (
    ATTENTION,
    RAW,
    RECIPE,
    STILL,
    STRONG,
    WINDOWS,
    Parts,
    augmented,
    clip_samples,
    label_rows,
    noise_clips,
    timbre_data,
    tiny_model,
    tiny_run,
)
from sklearn.metrics import average_precision_score

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.levels import window_weights
from instrumentarium.clips.pooling import pool_windows, window_levels
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError
from instrumentarium.training import fit as fitting
from instrumentarium.training import task as tasks
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.waveforms import WaveformAugmentation
from instrumentarium.training.fit import TrainingError, choose_precision, fit
from instrumentarium.training.recorder import DivergedError, History
from instrumentarium.training.sampling import TrainingBatch
from instrumentarium.training.snapshot import SNAPSHOT
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import RecognitionTask, TrainingRun
from instrumentarium.training.validation import ValidationWindows, mean_average_precision

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

TRAIN, VALIDATION = timbre_data(18, seed=1), timbre_data(12, seed=2)


def quick_fit(folder: Path, run: TrainingRun | None = None) -> History:
    return fit(run or tiny_run(), TRAIN, VALIDATION, folder)


def clip_scores(model: RecognitionModel, samples: ClipSamples, batch_size: int) -> np.ndarray:
    """Return the mean over each clip's windows, as validation takes them from its loader."""
    windows = ValidationWindows(samples, 4000, 2000, batch_size)
    batches = [windows[number] for number in range(len(windows))]
    assert torch.equal(torch.cat([batch.numbers for batch in batches]), torch.arange(len(windows.owners)))
    scores = torch.cat([model(to_waveforms(batch.waveforms)).sigmoid() for batch in batches])
    levels, owners = window_levels(samples, 4000, 2000)
    weights = window_weights(levels, WINDOWS.quietest_db, owners)
    return pool_windows(scores.numpy(), "mean", weights, windows.owners).astype(np.float32)


def random_labels(seed: int, observed_share: float) -> tuple[np.ndarray, LabelArrays]:
    rng = np.random.default_rng(seed)
    targets = rng.random((60, 11)) < 0.2
    targets[:, seed % 11] = False
    observed = rng.random((60, 11)) < observed_share
    scores = np.round(rng.random((60, 11)), 2 + seed % 3).astype(np.float32)  # with ties
    return scores, LabelArrays(tuple(map(str, range(60))), targets & observed, observed)


@pytest.mark.parametrize("observed_share", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("seed", range(4))
def test_mean_average_precision_equals_scikit_learns_over_the_observed_clips(seed: int, observed_share: float):
    scores, labels = random_labels(seed, observed_share)
    expected = [
        average_precision_score(labels.targets[seen, column], scores[seen, column])
        for column, seen in enumerate(labels.observed.T)
        if labels.targets[seen, column].any()
    ]
    assert mean_average_precision(scores, labels) == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_perfect_predictor_scores_1_and_none_can_score_more():
    for seed in range(4):
        scores, labels = random_labels(seed, 0.4)
        perfect = labels.targets.astype(np.float32)
        perfect[~labels.observed] = 0.5
        assert mean_average_precision(perfect, labels) == 1
        assert mean_average_precision(scores, labels) < 1


def test_scores_of_unobserved_pairs_do_not_matter():
    scores, labels = random_labels(0, 0.4)
    shaken = np.where(labels.observed, scores, 1 - scores)
    assert mean_average_precision(shaken, labels) == mean_average_precision(scores, labels)


def test_mean_average_precision_without_a_positive_clip_is_0():
    labels = label_rows([None] * 5, "abcde")
    assert mean_average_precision(np.ones((5, 11), np.float32), labels) == 0


def test_scores_are_the_mean_probability_over_each_clips_windows():
    model = tiny_model().eval()
    samples = clip_samples(noise_clips([4000, 10000, 900]))
    with torch.no_grad():
        scores = clip_scores(model, samples, 2)
        for clip, starts in enumerate([[0], [0, 2000, 4000, 6000], [0]]):
            whole = np.pad(samples.read(clip), (0, max(4000 - samples.n_samples[clip], 0)))
            windows = torch.from_numpy(np.stack([whole[start : start + 4000] for start in starts]))
            expected = model(to_waveforms(windows)).sigmoid().mean(dim=0)
            np.testing.assert_allclose(scores[clip], expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(clip_scores(model, samples, 64), scores, atol=1e-6)


def test_two_timbres_are_learned(tmp_path: Path):
    recipe = RECIPE.model_copy(update={"epochs": 8, "windows_per_epoch": 96})
    history = quick_fit(tmp_path, tiny_run(recipe=recipe, augment=augmented(gain={"db": 6.0})))
    losses = [row["train_loss"] for row in history.rows]
    assert [row["epoch"] for row in history.rows] == list(range(8))
    assert losses[-1] < 0.5 * losses[0]
    assert history.rows[-1]["validation_loss"] < 0.5 * history.rows[0]["validation_loss"]
    assert history.best_score > 0.9


def test_the_best_epochs_weights_are_kept_and_score_what_was_noted(tmp_path: Path):
    history = quick_fit(tmp_path)
    figures = [row["validation_map_macro"] for row in history.rows]
    assert history.best_score == max(figures)
    assert history.best_epoch == figures.index(max(figures))
    model = tiny_model(seed=9).eval()
    model.load_state_dict(history.best_weights)
    # a plain forward pass gives the figure again: validation ran without dropout and without augmentation
    with torch.no_grad():
        scores = clip_scores(model, VALIDATION.samples, 3)
    assert mean_average_precision(scores, VALIDATION.labels) == pytest.approx(history.best_score, abs=1e-6)


def test_validation_loss_is_the_cross_entropy_over_the_observed_pairs(tmp_path: Path):
    labels = VALIDATION.labels
    observed = np.random.default_rng(0).random(labels.targets.shape) < 0.5
    validation = SplitData(VALIDATION.samples, LabelArrays(labels.clip_ids, labels.targets & observed, observed))
    model = tiny_model()
    history = fit(tiny_run(model, RECIPE.model_copy(update={"epochs": 1})), TRAIN, validation, tmp_path)
    with torch.no_grad():
        scores = clip_scores(model.cpu().eval(), validation.samples, 64)
    terms = np.where(validation.labels.targets, np.log(scores), np.log1p(-scores))[observed]
    assert history.rows[0]["validation_loss"] == pytest.approx(-terms.mean(), rel=1e-4)


def a_batch(batch: int = 6) -> TrainingBatch:
    waveforms = torch.from_numpy(np.stack(noise_clips([4000] * batch)))
    targets = (torch.rand(batch, 11, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    return TrainingBatch(waveforms, targets, torch.ones(batch, 11), number=2)


def test_training_without_augmentation_sees_what_the_model_sees():
    model = tiny_model().eval()
    task = RecognitionTask(tiny_run(model, augment=STILL), TRAIN, VALIDATION)
    batch = a_batch()
    output, targets, observed = task.augmented_output(batch)
    torch.testing.assert_close(output.logits, model(to_waveforms(batch.waveforms)))
    assert torch.equal(targets, batch.targets)
    assert torch.equal(observed, batch.observed)


def test_augmentation_follows_from_seed_epoch_and_batch():
    model = tiny_model().eval()
    tasks = [RecognitionTask(tiny_run(model, seed=seed), TRAIN, VALIDATION) for seed in (1, 1, 2)]
    first, again, other = (task.augmented_output(a_batch())[0].logits for task in tasks)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first, tasks[0].augmented_output(replace(a_batch(), number=3))[0].logits)
    assert not torch.allclose(first, model(to_waveforms(a_batch().waveforms)))


@pytest.mark.parametrize(
    "strengths",
    [{"equaliser": {"probability": 1.0, "db": 9.0}}, {"band_limit": {"probability": 1.0, "lowest_hz": 2000.0}}],
)
def test_gains_on_bands_reach_the_model_before_the_floor(strengths: dict[str, dict[str, float]]):
    model = tiny_model().eval()
    seen = []
    model.normalise.forward = lambda features: seen.append(features) or features  # type: ignore[method-assign]
    run = tiny_run(model, augment=augmented(**strengths))
    RecognitionTask(run, TRAIN, VALIDATION).augmented_output(a_batch())
    plain = model.frontend(to_waveforms(a_batch().waveforms))
    change = (seen[0] - plain)[:, 0]
    assert seen[0].min() >= -100.001
    assert change.abs().max() > 1
    above_floor = (seen[0] > -99)[:, 0]
    spread = torch.where(above_floor, change, torch.nan).nan_to_num(nan=-1e9).amax(dim=2)
    for clip in range(6):  # one gain for all frames of a band
        for band in range(16):
            gains = change[clip, band][above_floor[clip, band]]
            assert not len(gains) or (gains - spread[clip, band]).abs().max() < 1e-2


def test_every_step_of_the_plan_is_taken_on_fresh_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, int]] = []
    waveforms: list[bytes] = []
    step = RecognitionTask.training_step

    def spy(self: RecognitionTask, batch: TrainingBatch, batch_idx: int) -> torch.Tensor:
        seen.append((self.current_epoch, batch.number))
        waveforms.append(batch.waveforms.numpy().tobytes())
        return step(self, batch, batch_idx)

    monkeypatch.setattr(RecognitionTask, "training_step", spy)
    quick_fit(tmp_path)
    assert seen == [(epoch, number) for epoch in range(4) for number in range(5)]
    assert len(set(waveforms)) == 20


def test_every_step_draws_an_augmentation_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    draws = []
    draw = WaveformAugmentation.draw
    monkeypatch.setattr(WaveformAugmentation, "draw", lambda *args: draws.append(draw(*args)) or draws[-1])
    quick_fit(tmp_path)
    assert len({drawn.noise_seed for drawn in draws}) == len(draws) == 20  # and validation draws none


def test_weights_move_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heads = []
    monkeypatch.setattr(
        RecognitionTask,
        "on_train_batch_end",
        lambda self, *args: heads.append(self.model.head.linear.weight.detach().clone()),
    )
    quick_fit(tmp_path, tiny_run(recipe=RECIPE.model_copy(update={"epochs": 2})))
    assert len(heads) == 10
    assert not any(torch.equal(one, next_) for one, next_ in itertools.pairwise(heads))


@pytest.mark.filterwarnings("always")
def test_training_warns_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder):
    many = "pytorch_lightning.trainer.connectors.data_connector.suggested_max_num_workers"
    monkeypatch.setattr(many, lambda _: 15)  # what a machine of many processors would be advised
    quick_fit(tmp_path / "quiet")
    assert [str(alarm.message) for alarm in recwarn] == []
    monkeypatch.setattr(fitting, "FALSE_ALARMS", ())
    quick_fit(tmp_path / "loud")
    assert any("does not have many workers" in str(alarm.message) for alarm in recwarn)


@pytest.mark.parametrize(("length", "kept"), [(40.0, 5.0), (3.0, 3.0)])
def test_long_gradients_are_shortened_and_short_ones_kept(length: float, kept: float):
    task = RecognitionTask(tiny_run(), TRAIN, VALIDATION)
    weights = list(task.model.parameters())
    count = sum(each.numel() for each in weights)
    for each in weights:
        each.grad = torch.full_like(each, length / count**0.5)
    task.configure_gradient_clipping(torch.optim.SGD(weights))
    norm = torch.linalg.vector_norm(torch.cat([each.grad.flatten() for each in weights if each.grad is not None]))
    assert float(norm) == pytest.approx(kept, rel=1e-4)


def test_the_learning_rate_warms_up_and_falls_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rates: list[float] = []

    def note(self: RecognitionTask, *args: object) -> None:
        rates.append(self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]

    monkeypatch.setattr(RecognitionTask, "on_before_optimizer_step", note)
    quick_fit(tmp_path)
    assert len(rates) == 20
    assert rates[0] == pytest.approx(RECIPE.learning_rate / 2)  # a tenth of 20 steps
    assert max(rates) == pytest.approx(RECIPE.learning_rate)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.02 * RECIPE.learning_rate


def scripted(monkeypatch: pytest.MonkeyPatch, figures: list[float]) -> Counter[str]:
    """Let validation find these figures, one an epoch; count the epochs."""
    calls: Counter[str] = Counter()

    def figure(*args: object) -> float:
        calls["epochs"] += 1
        return figures[calls["epochs"] - 1]

    monkeypatch.setattr(tasks, "mean_average_precision", figure)
    return calls


PATIENT = RECIPE.model_copy(update={"epochs": 10, "windows_per_epoch": 8, "patience": 2})


def patient_fit(folder: Path) -> History:
    return quick_fit(folder, tiny_run(recipe=PATIENT))


def test_early_stopping_waits_as_long_as_its_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = scripted(monkeypatch, [0.5, 0.4, 0.6, 0.6, 0.55, 0.9])
    history = patient_fit(tmp_path)
    assert calls["epochs"] == len(history.rows) == 5
    assert history.best_epoch == 2  # the first of equals
    assert history.best_score == pytest.approx(0.6)


def test_a_run_that_stopped_early_is_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = scripted(monkeypatch, [0.5, 0.4, 0.3, 0.9, 0.9])
    first = patient_fit(tmp_path)
    again = patient_fit(tmp_path)
    assert calls["epochs"] == 3
    assert again.rows == first.rows
    assert all(torch.equal(again.best_weights[name], first.best_weights[name]) for name in first.best_weights)


def test_patience_outlasts_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = scripted(monkeypatch, [0.5, 0.6, 0.4, 0.3, 0.9])
    step = RecognitionTask.training_step

    def fail(self: RecognitionTask, *args: object) -> torch.Tensor:
        if self.current_epoch == 3:
            raise InterruptedError
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(RecognitionTask, "training_step", fail)
    with pytest.raises(InterruptedError):
        patient_fit(tmp_path)
    monkeypatch.setattr(RecognitionTask, "training_step", step)
    history = patient_fit(tmp_path)
    assert calls["epochs"] == len(history.rows) == 4
    assert history.best_epoch == 1


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path):
    model = tiny_model()
    with torch.no_grad():
        model.head.linear.weight[0, 0] = torch.nan
    with pytest.raises(DivergedError, match=r"diverged in epoch 0.*lower the recipe's learning_rate") as info:
        quick_fit(tmp_path, tiny_run(model))
    assert isinstance(info.value, UserError)
    assert not (tmp_path / SNAPSHOT).exists()


@pytest.mark.parametrize("which", ["training", "validation"])
@pytest.mark.parametrize("case", ["no clip", "no positive", "no observed positive"])
def test_a_part_without_a_positive_label_is_refused(which: str, case: str, tmp_path: Path):
    samples = clip_samples(noise_clips([] if case == "no clip" else [4000] * 4))
    labels = label_rows([None if case == "no positive" else "cel"] * len(samples), samples.clip_ids)
    if case == "no observed positive":
        labels = replace(labels, observed=np.zeros_like(labels.observed))
    poor = SplitData(samples, labels)
    parts = {"training": TRAIN, "validation": VALIDATION, which: poor}
    with pytest.raises(TrainingError, match=f"no {which} clip has an instrument; look at metrics/split.json") as info:
        fit(tiny_run(), parts["training"], parts["validation"], tmp_path)
    assert isinstance(info.value, UserError)


def test_samples_and_labels_of_different_clips_are_no_part():
    samples = clip_samples(noise_clips([100, 100]))
    with pytest.raises(ValueError, match="different clips, or in another order"):
        SplitData(samples, label_rows(["cel", "cla"], samples.clip_ids[::-1]))


def test_precision_is_the_recipes_or_what_the_machine_can(monkeypatch: pytest.MonkeyPatch):
    auto = RECIPE.model_copy(update={"precision": "auto"})
    for gpu, expected in ((False, "32-true"), (True, "bf16-mixed")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        assert choose_precision(auto, "gpu" if gpu else "cpu") == expected
        assert choose_precision(RECIPE, "gpu") == "32-true"


def test_mixed_precision_learns_too(tmp_path: Path):
    recipe = RECIPE.model_copy(update={"epochs": 3, "precision": "bf16-mixed"})
    history = quick_fit(tmp_path, tiny_run(recipe=recipe, augment=STRONG))
    assert history.rows[-1]["train_loss"] < history.rows[0]["train_loss"]
    assert {weights.dtype for weights in history.best_weights.values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("parts", "augment"),
    [(Parts(head=ATTENTION), STRONG), (RAW, augmented(gain={"db": 6.0}, mix={"probability": 0.3, "level_db": 0.0}))],
    ids=["attention over time", "raw waveform"],
)
def test_neither_a_spectrogram_nor_a_pooled_vector_is_assumed(parts: Parts, augment: AugmentParams, tmp_path: Path):
    recipe = RECIPE.model_copy(update={"epochs": 6, "windows_per_epoch": 96})
    history = quick_fit(tmp_path, tiny_run(parts.build(), recipe, augment))
    assert history.rows[-1]["train_loss"] < 0.8 * history.rows[0]["train_loss"]
    assert history.best_score > 0.6  # one of three is right by chance


def test_an_augmentation_of_spectra_is_refused_without_one():
    with pytest.raises(ValueError, match="the augmentation changes spectra, and the front end makes none"):
        tiny_run(RAW.build(), augment=STRONG)


def test_validation_windows_come_once_each_in_order():
    windows = ValidationWindows(clip_samples(noise_clips([4000, 10000, 900])), 4000, 2000, batch_size=4)
    assert windows.owners.tolist() == [0, 1, 1, 1, 1, 2]
    assert len(windows) == 2
    assert [windows[number].numbers.tolist() for number in range(2)] == [[0, 1, 2, 3], [4, 5]]
    assert [tuple(windows[number].waveforms.shape) for number in range(2)] == [(4, 4000), (2, 4000)]
    with pytest.raises(IndexError):
        windows[2]
