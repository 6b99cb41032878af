"""Systems on disk: scores are the same to the bit, bytes never change, and damage is noticed."""

from pathlib import Path

import numpy as np
import pytest
from baselines.test_training import PARAMS, separable
from model_fixtures import WINDOWS, bytes_below, change_sealed

from instrumentarium.baselines.errors import MissingSystemError, SystemFileError
from instrumentarium.baselines.systemfile import ARRAYS, CARD, SystemCard, load_system, member_folder, save_system
from instrumentarium.baselines.training import SYSTEMS, train_systems
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.descriptors.table import DescriptorCard
from instrumentarium.tables.taxonomy import taxonomy_of

TAXONOMY = taxonomy_of(("a", "b", "c"))
DESCRIPTORS = DescriptorCard(
    sample_rate_hz=8000,
    windows=WINDOWS,
    params=DescriptorParams(n_fft=512, hop_length=256, n_mels=20, n_mfcc=8, train_windows=2),
    columns=("x",),
)


def card_of(name: str, kind: str, members: dict[str, str] | None = None) -> SystemCard:
    return SystemCard(
        format=1,
        name=name,
        kind=kind,
        taxonomy_name="three",
        labels=TAXONOMY.instruments,
        descriptors=DESCRIPTORS,
        members=members or {},
        seed=0,
        versions={},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, system in train_systems(separable(), PARAMS, 0).items():
        save_system(tmp_path / name, card_of(name, system.kind), system.arrays())
    return tmp_path


def test_a_loaded_system_scores_the_same_to_the_bit(folder: Path) -> None:
    rows = separable(60, seed=9)
    for name, system in train_systems(separable(), PARAMS, 0).items():
        loaded, card = load_system(folder / name)
        np.testing.assert_array_equal(loaded.scores(rows.values), system.scores(rows.values), err_msg=name)
        assert card.taxonomy.codes == TAXONOMY.codes


def test_the_same_system_has_the_same_bytes_and_none_are_pickled(folder: Path, tmp_path: Path) -> None:
    for name, system in train_systems(separable(), PARAMS, 0).items():
        save_system(tmp_path / "again" / name, card_of(name, system.kind), system.arrays())
        assert bytes_below(folder / name) == bytes_below(tmp_path / "again" / name)
        assert set(bytes_below(folder / name)) == {ARRAYS, CARD}
    assert len(SYSTEMS) == 4


def test_one_flipped_bit_is_noticed(folder: Path) -> None:
    path = folder / "svm_rbf" / ARRAYS
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(SystemFileError, match=r"does not hold the arrays that system\.json describes"):
        load_system(folder / "svm_rbf")


def test_a_changed_description_is_noticed(folder: Path) -> None:
    path = folder / "knn" / CARD
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(SystemFileError, match="damaged or was changed"):
        load_system(folder / "knn")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2, this version reads 1"),
        ({"kind": "forest"}, "no description"),
        ({"labels": []}, "no desc"),
    ],
)
def test_a_description_of_something_else_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    change_sealed(folder / "knn" / CARD, **change)
    with pytest.raises(SystemFileError, match=message):
        load_system(folder / "knn")


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / "boosting" / ARRAYS).unlink()
    with pytest.raises(MissingSystemError, match=r"arrays\.safetensors is missing"):
        load_system(folder / "boosting")
    with pytest.raises(MissingSystemError, match=r"system.json is missing; run `dvc repro baseline ensemble`"):
        load_system(folder / "nowhere")


def test_numbers_that_are_not_finite_and_missing_arrays_are_refused(folder: Path, tmp_path: Path) -> None:
    system, card = load_system(folder / "svm_linear")
    arrays = system.arrays()
    save_system(tmp_path / "nan", card, {**arrays, "intercepts": np.full(3, np.nan)})
    with pytest.raises(SystemFileError, match="not finite, in intercepts"):
        load_system(tmp_path / "nan")
    save_system(tmp_path / "less", card, {"mean": arrays["mean"]})
    with pytest.raises(SystemFileError, match="has no array 'deviation'"):
        load_system(tmp_path / "less")


def test_a_member_must_be_the_one_that_was_meant(folder: Path) -> None:
    save_system(folder / "mean" / "members" / "knn", card_of("knn", "neighbours"), {})
    with pytest.raises(SystemFileError, match="is not the knn that the system mean was made of"):
        member_folder(folder / "mean", card_of("mean", "mean", {"knn": "0" * 64}), "knn")
    with pytest.raises(MissingSystemError, match="of which the system mean is made"):
        member_folder(folder / "mean", card_of("mean", "mean", {"other": "0" * 64}), "other")
