"""Interrupted runs end with the bytes of uninterrupted ones, and nothing stale is ever resumed."""

import json
import logging
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import transformers
from collection_fixtures import write_collection
from model_fixtures import (
    HEAD,
    LOSS,
    MEAN_HEAD,
    NETWORK,
    RATE_HZ,
    RECIPE,
    RELATIVE,
    STRONG,
    TRAINING,
    WINDOWS,
    bytes_below,
)
from models.test_families import AST
from safetensors.torch import load_file

from instrumentarium.config.selection import Selection, write_selection
from instrumentarium.models.params import PathWeights
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.fulldisk import full_disk
from instrumentarium.runtime.machine import recall_training
from instrumentarium.runtime.section import DeclaredParams, validate
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.schemas import CLIPS
from instrumentarium.training import recorder
from instrumentarium.training import run as experiment
from instrumentarium.training import task as tasks
from instrumentarium.training.objectives.params import LOSS as LOSS_KINDS
from instrumentarium.training.objectives.params import LossParams
from instrumentarium.training.resume import resume_folder
from instrumentarium.training.run import Inputs
from instrumentarium.training.sideinputs import SideInputError
from instrumentarium.training.snapshot import SEALS, SNAPSHOT, find_snapshot, write_snapshot
from instrumentarium.training.task import RecognitionTask
from taxonomies import IRMAS11

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an ingested corpus of two timbres and noise, its split and its statistics."""
    return write_collection(tmp_path_factory.mktemp("collection"))


def params(seed: int = 3, training: Mapping[str, Any] | None = None) -> DeclaredParams:
    values = {
        "seed": seed,
        "collection": "miniature",
        "model": "cnn",
        "audio": {"sample_rate_hz": RATE_HZ},
        "labels": {"irmas_train_absent": "negative"},
        "training": TRAINING.model_copy(update=training or {}).model_dump(),
    }
    return DeclaredParams(values, "train")


Train = Callable[..., dict[str, bytes]]


@pytest.fixture
def train(collection: Path, tmp_path: Path, cache: Path) -> Train:
    """Return a function that trains into a fresh folder and returns the bytes of all that came out."""
    runs: Iterator[int] = iter(range(99))

    def run(
        seed: int = 3, training: Mapping[str, Any] | None = None, loss: LossParams = LOSS, **recipe: Any
    ) -> dict[str, bytes]:
        out = tmp_path / f"run{next(runs)}"
        changed = RECIPE.model_copy(update=recipe)
        write_selection(Selection(RELATIVE, NETWORK, HEAD, loss, STRONG, WINDOWS, changed), tmp_path / "selected")
        files = {name: collection / name for name in ("labels.csv", "taxonomy.json", "split.csv", "stats.json")}
        line = experiment.train(
            params(seed, training),
            Inputs([collection / "irmas"], *files.values(), tmp_path / "selected", tmp_path / "keys_tempos.csv"),
            out / "model",
            out / "train.json",
            out / "plots",
            out / "live",
        )
        assert line.startswith("train: 15 training and 9 validation clips in; cnn after ")
        return bytes_below(out)

    return run


class Killed(BaseException):
    """Stands for a kill at this very place."""


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, moment: Callable[..., bool]) -> None:
    """Let a method end the run when `moment` of its arguments says so."""
    method = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> Any:
        if moment(*args):
            raise Killed
        return method(*args, **kwargs)

    monkeypatch.setattr(owner, name, killed)


Kill = Callable[[pytest.MonkeyPatch, Train], None]


def interrupt(kill: Kill, monkeypatch: pytest.MonkeyPatch, train: Train, **changes: Any) -> None:
    """Start a run and kill it."""
    with monkeypatch.context() as patch:
        kill(patch, train)
        with pytest.raises(Killed):
            train(**changes)


def during_the_first_epoch(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    kill_at(monkeypatch, RecognitionTask, "training_step", lambda task, batch, number: number == 3)


def in_the_middle_of_the_second_epoch(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    def moment(task: RecognitionTask, *args: object) -> bool:
        return task.current_epoch == 1 and args[1] == 2

    kill_at(monkeypatch, RecognitionTask, "training_step", moment)


def in_the_validation_of_the_third_epoch(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    kill_at(monkeypatch, RecognitionTask, "validation_step", lambda task, *args: task.current_epoch == 2)


def right_after_the_second_snapshot(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    def moment(task: RecognitionTask) -> bool:
        return task.current_epoch == 2

    kill_at(monkeypatch, RecognitionTask, "on_train_epoch_start", moment)


def while_the_third_snapshot_is_written(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    def half_written(trainer: pl.Trainer, path: Path, **kwargs: object) -> None:
        save(trainer, path, **kwargs)
        if trainer.current_epoch == 2:
            path.write_bytes(path.read_bytes()[:1000])
            raise Killed

    save = pl.Trainer.save_checkpoint
    monkeypatch.setattr(pl.Trainer, "save_checkpoint", half_written)


def between_the_last_epoch_and_the_outputs(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    kill_at(monkeypatch, experiment, "save_model", lambda *args: True)


def between_two_outputs(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    kill_at(monkeypatch, experiment, "write_plot_rows", lambda *args: True)


def three_times(monkeypatch: pytest.MonkeyPatch, train: Train) -> None:
    for moment in (during_the_first_epoch, in_the_middle_of_the_second_epoch):
        interrupt(moment, monkeypatch, train)
    in_the_validation_of_the_third_epoch(monkeypatch, train)


MOMENTS = [
    during_the_first_epoch,
    in_the_middle_of_the_second_epoch,
    in_the_validation_of_the_third_epoch,
    right_after_the_second_snapshot,
    while_the_third_snapshot_is_written,
    between_the_last_epoch_and_the_outputs,
    between_two_outputs,
    three_times,
]


@pytest.fixture(scope="module")
def straight() -> dict[str, dict[str, bytes]]:
    """Return a place to keep the outputs of the uninterrupted run."""
    return {}


@pytest.mark.parametrize("kill", MOMENTS, ids=lambda moment: moment.__name__)
def test_an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one(
    kill: Kill,
    train: Train,
    straight: dict[str, dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
):
    if "outputs" not in straight:
        straight["outputs"] = train()
    interrupt(kill, monkeypatch, train)
    torch.manual_seed(12345)  # another process has another past
    assert train() == straight["outputs"]


def emptied(content: bytes) -> bytes:
    return b""


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def zeroed(content: bytes) -> bytes:
    return bytes(len(content))


def of_another_format(content: bytes) -> bytes:
    return b'{"epoch": 1}'


def with_a_bit_flipped_in_a_weight(content: bytes) -> bytes:
    place = content.index(b"weights") + 2000  # within the tensors: torch itself reads it without a word
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage", [emptied, cut, zeroed, of_another_format, with_a_bit_flipped_in_a_weight], ids=lambda each: each.__name__
)
def test_a_damaged_snapshot_is_set_aside_and_training_starts_over(
    damage: Callable[[bytes], bytes],
    train: Train,
    straight: dict[str, dict[str, bytes]],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    if "outputs" not in straight:
        straight["outputs"] = train()
    interrupt(in_the_validation_of_the_third_epoch, monkeypatch, train)
    (snapshot,) = cache.glob(f"resume/*/{SNAPSHOT}")
    content = snapshot.read_bytes()
    assert damage(content) != content
    snapshot.write_bytes(damage(content))
    with caplog.at_level(logging.WARNING):
        assert train() == straight["outputs"]
    assert "snapshot of the interrupted training is damaged, so training starts over" in caplog.text


@pytest.mark.parametrize("damage", [None, b"", b"\xff" * 64])
def test_a_snapshot_without_its_checksum_is_not_trusted(
    damage: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with write_snapshot(tmp_path) as temporary:
        temporary.write_bytes(b"weights")
    assert find_snapshot(tmp_path) == tmp_path / SNAPSHOT
    if damage is None:
        (tmp_path / SEALS).unlink()
    else:
        (tmp_path / SEALS).write_bytes(damage)
    assert find_snapshot(tmp_path) is None
    assert (tmp_path / "last.damaged").read_bytes() == b"weights"
    assert "damaged" in caplog.text


def test_a_kill_between_checksum_and_snapshot_leaves_the_earlier_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with write_snapshot(tmp_path) as temporary:
        temporary.write_bytes(b"first")

    def killed(path: Path, target: Path) -> Path:
        if target.name == SNAPSHOT:
            raise Killed
        return replace(path, target)

    replace = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(Killed), write_snapshot(tmp_path) as temporary:
            temporary.write_bytes(b"second")
    snapshot = find_snapshot(tmp_path)
    assert snapshot is not None
    assert snapshot.read_bytes() == b"first"


def test_a_snapshot_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted(handle: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().suffix or 'folder'}")
        fsync(handle)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"rename {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", renamed)
    with write_snapshot(tmp_path / "run") as temporary:
        temporary.write_bytes(b"weights")
    one = ["sync .tmp", "rename {}", "sync folder"]
    assert done == [step.format(name) for name in (SEALS, SNAPSHOT) for step in one]


@pytest.mark.parametrize(
    "training",
    [
        {"ema_decay": 0.9, "accumulate": 2, "decay_norms": False, "layer_decay": 0.5},
        {"schedule": "one_cycle", "freeze_epochs": 2, "sampling": "balanced"},
        {"schedule": "plateau", "ema_decay": 0.9, "freeze_epochs": 1},
    ],
    ids=["averaged", "one cycle", "plateau"],
)
@pytest.mark.parametrize("kill", [in_the_validation_of_the_third_epoch, right_after_the_second_snapshot])
def test_so_does_one_of_other_schedules_and_averaged_weights(
    training: dict[str, Any], kill: Kill, train: Train, monkeypatch: pytest.MonkeyPatch
):
    straight = train(training=training)
    interrupt(kill, monkeypatch, train, training=training)
    torch.manual_seed(12345)
    assert train(training=training) == straight


def test_a_plateau_is_remembered_when_a_run_is_resumed(train: Train, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "mean_average_precision", lambda *args: 0.5)  # never better than the first time
    rates: list[float] = []

    def note(task: RecognitionTask, *args: object) -> None:
        rates.append(task.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]

    monkeypatch.setattr(RecognitionTask, "on_before_optimizer_step", note)
    training = {"schedule": "plateau", "plateau_patience": 2}
    train(training=training, epochs=6)
    straight = [*rates]
    assert straight == pytest.approx([0.01] * 15 + [0.001] * 10 + [0.0001] * 5)
    rates.clear()
    interrupt(right_after_the_second_snapshot, monkeypatch, train, training=training, epochs=6)
    train(training=training, epochs=6)
    assert rates == straight


def test_a_seed_of_training_goes_before_the_pipelines(train: Train):
    assert train(seed=9, training={"seed": 3})["model/model.safetensors"] == train(seed=3)["model/model.safetensors"]


def test_curves_have_each_term_of_a_loss_of_several(train: Train):
    term = {"weight": 0.5, "loss": {"kind": "family", "pooling": "max"}}
    values = {"kind": "sum", "terms": {"bce": {"weight": 1.0, "loss": LOSS.model_dump()}, "families": term}}
    rows = json.loads(train(loss=validate(values, LOSS_KINDS), epochs=2)["plots/loss.json"])
    assert [row["part"] for row in rows] == ["train", "validation", "train, bce", "train, families"] * 2
    for epoch in (1, 2):
        loss = {row["part"]: row["loss"] for row in rows if row["epoch"] == epoch}
        assert loss["train"] == pytest.approx(loss["train, bce"] + loss["train, families"], abs=2e-6)


def test_a_full_disk_is_named_and_with_room_training_ends_as_it_would_have(
    train: Train, straight: dict[str, dict[str, bytes]], small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    if "outputs" not in straight:
        straight["outputs"] = train()
    cache = small_disk / "cache"
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", str(cache))
    (small_disk / "filler").write_bytes(bytes(56 * 1024))
    with pytest.raises(OSError, match="No space left on device") as info:
        train()
    said = full_disk(info.value) or ""
    assert re.search(rf"/resume/[0-9a-f]+/{SNAPSHOT} could not be written, since its disk is full", said)
    assert [path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", str(small_disk.parent / "roomy"))
    assert train() == straight["outputs"]


def test_a_resumed_run_trains_only_what_is_left(train: Train, monkeypatch: pytest.MonkeyPatch):
    interrupt(in_the_validation_of_the_third_epoch, monkeypatch, train)
    steps = []
    step = RecognitionTask.training_step
    monkeypatch.setattr(
        RecognitionTask, "training_step", lambda task, *args: steps.append(task.current_epoch) or step(task, *args)
    )
    train()
    assert steps == [2] * 5 + [3] * 5


def test_ctrl_c_leaves_what_the_next_run_goes_on_from(train: Train, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def press(task: RecognitionTask, *args: object) -> None:
        if task.current_epoch == 2:
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(RecognitionTask, "on_train_batch_start", press)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train()
    signal.signal(signal.SIGINT, handler)  # Lightning ignores further ones while it ends
    assert len(list(cache.glob(f"resume/*/{SNAPSHOT}"))) == 1
    interrupted = train()
    assert interrupted == train()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(train: Train):
    first, again, other = train(seed=3), train(seed=3), train(seed=4)
    assert first == again
    assert sorted(first) == [
        "model/model.json",
        "model/model.safetensors",
        "plots/loss.json",
        "plots/map_macro.json",
        "train.json",
    ]
    assert first["model/model.safetensors"] != other["model/model.safetensors"]
    assert first["plots/loss.json"] != other["plots/loss.json"]


@pytest.mark.parametrize("changes", [{"seed": 4}, {"learning_rate": 0.02}, {"epochs": 3}])
def test_a_changed_run_does_not_resume_the_old_one(
    changes: dict[str, Any], train: Train, monkeypatch: pytest.MonkeyPatch
):
    interrupt(in_the_validation_of_the_third_epoch, monkeypatch, train)
    beside_the_old_one = train(**changes)
    assert beside_the_old_one == train(**changes)


def test_what_came_out_says_what_happened(train: Train, collection: Path, tmp_path: Path):
    outputs = train(epochs=5)
    figures = json.loads(outputs["train.json"])
    loss, precision = json.loads(outputs["plots/loss.json"]), json.loads(outputs["plots/map_macro.json"])
    card = json.loads(outputs["model/model.json"])
    assert figures["epochs"] == card["trained"]["epochs"] == 5
    assert [row["epoch"] for row in precision] == [1, 2, 3, 4, 5]
    assert [(row["epoch"], row["part"]) for row in loss] == [
        (epoch, part) for epoch in range(1, 6) for part in ("train", "validation")
    ]
    best = max(precision, key=lambda row: row["map_macro"])
    assert figures["best_epoch"] == card["trained"]["best_epoch"] == best["epoch"]
    assert figures["validation_map_macro"] == best["map_macro"]
    best_rows = {row["part"]: row["loss"] for row in loss if row["epoch"] == best["epoch"]}
    assert best_rows == {"train": figures["train_loss"], "validation": figures["validation_loss"]}
    model = Recognizer.load(tmp_path / "run0" / "model", torch.device("cpu")).model
    assert figures["parameters"] == sum(weights.numel() for weights in model.parameters())
    assert set(load_file(tmp_path / "run0" / "model" / "model.safetensors")) == set(model.state_dict())


def test_a_success_leaves_nothing_to_resume(train: Train, cache: Path):
    train(epochs=1)
    assert [path for path in (cache / "resume").iterdir() if path.is_dir()] == []


def test_the_folder_is_kept_on_an_error_and_removed_on_success(cache: Path):
    def fail(error: type[BaseException]) -> None:
        with resume_folder("run") as folder:
            (folder / f"{error.__name__}.ckpt").touch()
            raise error

    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            fail(error)
    with resume_folder("run") as folder:
        assert folder == cache / "resume" / "run"
        assert len(list(folder.iterdir())) == 3
    assert [path for path in (cache / "resume").iterdir() if path.is_dir()] == []


def test_runs_of_other_keys_have_other_folders(cache: Path):
    with resume_folder("one") as one, resume_folder("two") as two:
        assert one != two


def test_a_second_process_at_the_same_run_gets_a_folder_of_its_own(cache: Path, caplog: pytest.LogCaptureFixture):
    with resume_folder("run") as first:
        (first / SNAPSHOT).touch()
        with caplog.at_level(logging.WARNING), resume_folder("run") as second:
            assert second != first
            assert list(second.iterdir()) == []
        assert "another process is at this very run" in caplog.text
        assert not second.exists()
        assert (first / SNAPSHOT).exists()
    with resume_folder("run") as again:
        assert again == first
        assert list(again.iterdir()) == []


def test_the_cache_is_where_the_user_says(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("INSTRUMENTARIUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    with resume_folder("run") as folder:
        assert folder == tmp_path / "xdg" / "instrumentarium" / "resume" / "run"


@pytest.mark.parametrize("kill", [None, right_after_the_second_snapshot], ids=["at once", "in two parts"])
def test_what_the_epochs_took_is_remembered_of_all_parts(kill, train: Train, tmp_path: Path, monkeypatch) -> None:
    seconds = iter(range(10**6))
    monkeypatch.setattr(recorder, "monotonic", lambda: float(next(seconds)))  # one second from look to look
    if kill is not None:
        interrupt(kill, monkeypatch, train)
    train()
    (weights,) = tmp_path.glob("run*/model/model.safetensors")
    found = recall_training(weights)
    assert found is not None
    assert found.seconds == found.epochs == RECIPE.epochs
    assert found.threads == torch.get_num_threads()


def test_side_inputs_are_those_of_the_table_of_clips_and_stand_in_the_model_file(train: Train, collection: Path):
    table = collection / "irmas" / "clips.csv"
    before, clips = table.read_bytes(), CLIPS.read(table)
    with pytest.raises(SideInputError, match="states its genre"):
        train(training={"side_inputs": ("genre",)}, epochs=1)
    CLIPS.write(table, clips.assign(genre=["cla", "jaz_blu", "dog"] * 8, drums=["no", "yes", "unknown"] * 8))
    try:
        trained = train(training={"side_inputs": ("genre", "drums")}, epochs=1)
    finally:
        table.write_bytes(before)
    card = json.loads(trained["model/model.json"])
    assert card["side_inputs"] == {"drums": ["no", "yes"], "genre": ["cla", "jaz_blu"]}  # noise has no genre
    assert card["recipe"]["training"]["side_inputs"] == ["genre", "drums"]
    plain = json.loads(train(epochs=1)["model/model.json"])
    assert not any(name.startswith("side") for name in (*plain, *plain["recipe"]["training"]))


def test_a_head_starts_from_the_published_classifier_that_the_recipe_names(collection: Path, tmp_path: Path):
    torch.manual_seed(1)
    places = {number: f"label of {code}" for number, code in enumerate(reversed(IRMAS11.codes))}
    config = transformers.ASTConfig(**AST.model_dump(exclude={"kind"}), id2label=places)
    transformers.ASTForAudioClassification(config).save_pretrained(tmp_path / "ast")
    weights = PathWeights(
        source="path",
        at=str(tmp_path / "ast"),
        md5=md5_of_file(tmp_path / "ast" / "model.safetensors"),
        classifier={code: f"label of {code}" for code in IRMAS11.codes},
    )
    recipe = RECIPE.model_copy(update={"pretrained": weights})
    write_selection(Selection(RELATIVE, AST, MEAN_HEAD, LOSS, STRONG, WINDOWS, recipe), tmp_path / "selected")
    files = [collection / name for name in ("labels.csv", "taxonomy.json", "split.csv", "stats.json")]
    inputs = Inputs([collection / "irmas"], *files, tmp_path / "selected", tmp_path / "keys_tempos.csv")
    head = experiment.prepare(params(), inputs).run.model.head
    published = load_file(tmp_path / "ast" / "model.safetensors")["classifier.dense.weight"]  # its norm is as it began
    torch.testing.assert_close(head.state_dict()["linear.weight"], published.flip(0))
