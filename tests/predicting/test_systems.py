"""Any system predicts from its folder alone, and says of a clip what its table of scores says."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from baselines.test_training import PARAMS
from model_fixtures import RATE_HZ, Parts, clip_samples, label_rows, timbre_clip

from instrumentarium.baselines.errors import MissingSystemError, SystemFileError
from instrumentarium.baselines.publishing import Publisher
from instrumentarium.baselines.rows import scored_windows, training_rows
from instrumentarium.baselines.surfaces import draw_surfaces
from instrumentarium.baselines.training import train_systems
from instrumentarium.descriptors.describe import describe_clips
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.ensembles.ensemble import EnsembleError, Members, make_ensembles, read_windows
from instrumentarium.ensembles.params import EnsembleParams
from instrumentarium.models.modelfile import save_model
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.systems import UnknownSystemError, find_system, load_recognizer
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import IRMAS11

PLAYING = ("cel", "cla", None) * 12
SPLITS = np.array(["train"] * 18 + ["validation"] * 12 + ["test"] * 6)
CLIP_IDS = tuple(f"clip/{number:03d}" for number in range(len(PLAYING)))
DESCRIBED = DescriptorParams(n_fft=512, hop_length=256, n_mels=20, n_mfcc=8, train_windows=2)
MEMBERS = EnsembleParams(members=("model", "svm_rbf"), stacking_c=0.1, stacking_folds=3)
NAMES = ("svm_linear", "svm_rbf", "knn", "boosting", "mean", "stacking")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a tiny untrained model, every system, and tables of scores of 18 clips."""
    root = tmp_path_factory.mktemp("workspace")
    parts = Parts()
    card = parts.card()
    save_model(root / "model", parts.build(3, card.windows.pitch_shift_semitones).state_dict(), card)
    rng = np.random.default_rng(0)
    clips = [timbre_clip(code, rng) for code in PLAYING]
    table = describe_clips(clip_samples(clips, CLIP_IDS), SPLITS == "train", card.windows, DESCRIBED, RATE_HZ)
    split = pd.DataFrame({"clip_id": CLIP_IDS, "split": SPLITS, "recording_id": CLIP_IDS})
    labels = label_rows(PLAYING, CLIP_IDS)
    rows, scored = training_rows(table, split, labels), scored_windows(table, split)
    known = labels.take(scored.clip_ids)
    publisher = Publisher(root / "baselines", root / "scores", scored, known, IRMAS11, table.card, "per_instrument", 0)
    systems = train_systems(rows, PARAMS, 0)
    for name, system in systems.items():
        publisher.publish(name, system.kind, system.arrays(), scored.pooled(system.scores(scored.values)))
    mine = clip_samples([clip for clip, part in zip(clips, SPLITS, strict=True) if part != "train"])
    windows = Recognizer.load(root / "model", torch.device("cpu")).clips(mine).windows
    np.save(root / "windows.npy", windows)
    members = Members(
        {"model": root / "model", **{name: root / "baselines" / name for name in systems}},
        read_windows(root / "windows.npy", scored, len(IRMAS11)),
    )
    others = Publisher(root / "ensembles", root / "scores", scored, known, IRMAS11, table.card, "per_instrument", 0)
    make_ensembles(others, members, MEMBERS)
    with pytest.raises(EnsembleError, match="'forest' is no system; there are boosting"):
        make_ensembles(others, members, MEMBERS.model_copy(update={"members": ("forest",)}))
    np.save(root / "fewer.npy", windows[1:])
    with pytest.raises(EnsembleError, match="other windows, or on other clips"):
        read_windows(root / "fewer.npy", scored, len(IRMAS11))
    pictures = draw_surfaces(systems, rows, IRMAS11, 20, 0)
    assert len(pictures) == 22
    assert pictures == draw_surfaces(systems, rows, IRMAS11, 20, 0)
    return root


def one_clip() -> tuple[str, np.ndarray]:
    rng = np.random.default_rng(0)
    clips = [timbre_clip(code, rng) for code in PLAYING]
    return CLIP_IDS[-1], clips[-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_is_scored_as_in_its_table(workspace: Path, name: str) -> None:
    clip_id, samples = one_clip()
    ladder = load_ladder(find_system(name, workspace / "model"))
    ladder.audio2timeline.temperature = 1.0
    found = ladder.audio2timeline(samples, RATE_HZ)
    table = pd.read_csv(workspace / "scores" / f"{name}.csv").set_index("clip_id")
    np.testing.assert_allclose(found.scores, table.loc[clip_id, list(IRMAS11.codes)].to_numpy(float), atol=2e-4)


def test_the_mean_is_that_of_its_members_windows(workspace: Path) -> None:
    windows = np.stack([one_clip()[1][: RATE_HZ // 2]])
    names = {"mean": "ensembles", "svm_rbf": "baselines"}
    mean, svm = (load_recognizer(workspace / folder / name).windows(windows) for name, folder in names.items())
    model = load_recognizer(workspace / "model").windows(windows)[:, : len(IRMAS11)]
    np.testing.assert_allclose(mean, (svm + model) / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["svm_rbf", "mean", "stacking"])
def test_a_copy_of_the_folder_is_whole(workspace: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(find_system(name, workspace / "model"), tmp_path / "anywhere")
    clip_id, samples = one_clip()
    ladders = load_ladder(copy), load_ladder(find_system(name, workspace / "model"))
    first, second = (ladder.audio2timeline(samples, RATE_HZ, clip_id) for ladder in ladders)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.present, second.present)


def test_ensemble_means_the_better_on_validation(workspace: Path) -> None:
    import json

    choice = json.loads((workspace / "ensembles" / "choice.json").read_text())
    assert find_system("ensemble", workspace / "model").name == choice["chosen"]
    assert choice["validation_map_macro"][choice["chosen"]] == max(choice["validation_map_macro"].values())


def test_systems_are_found_by_name_or_folder(workspace: Path) -> None:
    model = workspace / "model"
    assert find_system("model", model) == model
    assert find_system(str(workspace / "baselines" / "knn"), model) == workspace / "baselines" / "knn"
    with pytest.raises(UnknownSystemError, match="there are model, boosting, knn, svm_linear, svm_rbf, mean"):
        find_system("forest", model)


def test_a_damaged_member_is_noticed(workspace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(workspace / "ensembles" / "mean", tmp_path / "mean")
    member = copy / "members" / "svm_rbf"
    data = bytearray((member / "arrays.safetensors").read_bytes())
    data[-1] ^= 1
    (member / "arrays.safetensors").write_bytes(data)
    with pytest.raises(SystemFileError, match="does not hold the arrays"):
        load_recognizer(copy)
    shutil.rmtree(member)
    with pytest.raises(MissingSystemError, match="of which the system mean is made"):
        load_recognizer(copy)


def test_thresholds_are_those_that_evaluation_chooses(workspace: Path) -> None:
    from instrumentarium.evaluation.choosing import choose_thresholds
    from instrumentarium.evaluation.thresholds import Thresholds

    table = pd.read_csv(workspace / "scores" / "mean.csv").set_index("clip_id")
    mine = [clip for clip, part in zip(CLIP_IDS, SPLITS, strict=True) if part == "validation"]
    known = label_rows(PLAYING, CLIP_IDS).take(mine)
    scores = table.loc[mine, list(IRMAS11.codes)].to_numpy(float)
    wanted = choose_thresholds(
        known.targets, scores, known.observed, np.array(mine), codes=IRMAS11.codes, rule="per_instrument"
    )
    assert Thresholds.read(workspace / "ensembles" / "mean" / "thresholds.json").content() == wanted.content()
