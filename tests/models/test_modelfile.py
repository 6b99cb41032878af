import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from damaged import DAMAGED_JSON
from model_fixtures import (
    RAW,
    RELATIVE,
    WINDOWS,
    Parts,
    bytes_below,
    change_sealed,
    shifting_model,
    tiny_card,
    tiny_model,
)
from safetensors.torch import load_file, save_file

from instrumentarium.models.modelfile import (
    MissingModelError,
    ModelFileError,
    check_files,
    load_card,
    load_model,
    save_model,
)
from instrumentarium.models.params import TimmParams
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.sealed import sealed, sha256_of
from taxonomies import BAND3, IRMAS11


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return the folder of a saved model."""
    save_model(tmp_path / "model", tiny_model().state_dict(), tiny_card())
    return tmp_path / "model"


def change_card(folder: Path, **changes: object) -> None:
    change_sealed(folder / "model.json", **changes)


def change_weights(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Put other weights into a model's folder, as if they had been saved there."""
    save_file(weights, folder / "model.safetensors")
    change_card(folder, weights_sha256=sha256_of((folder / "model.safetensors").read_bytes()))


def refusal(folder: Path) -> str:
    """Return what is said when the model in `folder` is refused."""
    with pytest.raises(ModelFileError) as info:
        load_model(folder)
    assert isinstance(info.value, UserError)
    return str(info.value)


def test_a_round_trip_gives_the_same_logits_and_card(saved: Path):
    model, card = load_model(saved)
    original = shifting_model().eval()
    waveforms = 0.1 * torch.randn(4, 4000)
    assert not model.training
    assert card == tiny_card()
    assert torch.equal(model(waveforms), original(waveforms))


@pytest.mark.parametrize(
    "parts",
    [Parts(backbone=TimmParams(kind="timm", architecture="test_resnet")), RAW, Parts(taxonomy=BAND3)],
    ids=["timm", "waveform and attention", "three instruments"],
)
def test_every_kind_of_model_makes_the_round_trip(parts: Parts, tmp_path: Path):
    card = parts.card()
    original = parts.build(pitch_shift_semitones=card.windows.pitch_shift_semitones).eval()
    save_model(tmp_path, original.state_dict(), card)
    loaded, loaded_card = load_model(tmp_path)
    waveforms = 0.1 * torch.randn(2, 4000)
    assert loaded_card == card
    assert loaded_card.taxonomy.codes == parts.taxonomy.codes
    assert loaded(waveforms).shape == (2, len(parts.taxonomy))
    torch.testing.assert_close(loaded(waveforms), original(waveforms))


def test_the_normalisation_of_the_card_is_used(saved: Path):
    waveforms = 0.1 * torch.randn(1, 4000)
    before = load_model(saved)[0](waveforms)
    change_card(saved, normalisation={"kind": "per_band", "mean": [[0.0] * 16], "std": [[5.0] * 16], "frames": 1})
    assert not torch.allclose(load_model(saved)[0](waveforms), before)


def test_equal_weights_make_equal_bytes(tmp_path: Path):
    weights = tiny_model().state_dict()
    save_model(tmp_path / "one", weights, tiny_card())
    save_model(tmp_path / "two", dict(reversed(weights.items())), tiny_card())
    assert bytes_below(tmp_path / "one") == bytes_below(tmp_path / "two")
    assert sorted(bytes_below(tmp_path / "one")) == ["model.json", "model.safetensors"]


def test_the_card_tells_all_that_is_needed_to_run_the_weights(saved: Path):
    card = json.loads((saved / "model.json").read_text())
    assert card["format"] == 2
    assert [label["code"] for label in card["labels"]] == list(IRMAS11.codes)
    assert card["labels"][0] == {"code": "cel", "name": "cello", "family": "strings"}
    assert card["sample_rate_hz"] == 8000
    assert card["frontend"] == RELATIVE.model_dump()
    assert len(card["normalisation"]["mean"][0]) == len(card["normalisation"]["std"][0]) == 16
    assert set(card) >= {"backbone", "head", "windows", "recipe", "trained", "versions"}


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_missing_file_says_how_to_get_it(saved: Path, name: str):
    (saved / name).unlink()
    with pytest.raises(MissingModelError, match=rf"{name} is missing; run `dvc repro train`, or `dvc pull`") as info:
        load_model(saved)
    assert isinstance(info.value, FileNotFoundError)
    assert isinstance(info.value, UserError)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_cut_off_weights_are_refused(saved: Path, keep: int):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert "does not hold the weights that model.json describes" in refusal(saved)


def test_a_pickle_in_place_of_the_weights_is_never_run(saved: Path, tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    for harmful in (pickle.dumps(Trap()), b""):
        (saved / "model.safetensors").write_bytes(harmful)
        assert "model.safetensors does not hold the weights" in refusal(saved)
    torch.save({"head.weight": Trap()}, saved / "model.safetensors")
    assert "model.safetensors does not hold the weights" in refusal(saved)
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_network_are_refused(saved: Path):
    change_card(saved, backbone={"kind": "cnn", "channels": [4, 9]})
    assert "model.json describes" in refusal(saved)


@pytest.mark.parametrize("change", ["missing", "added", "reshaped"])
def test_weights_that_do_not_fit_by_one_tensor_are_refused(saved: Path, change: str):
    weights = load_file(saved / "model.safetensors")
    if change == "missing":
        del weights["head.linear.bias"]
    elif change == "added":
        weights["second_head.linear.bias"] = torch.zeros(11)
    else:
        weights["head.linear.bias"] = torch.zeros(12)
    change_weights(saved, weights)
    assert "head.linear.bias" in refusal(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"format": 2}', '{"format": "2"}'])
def test_a_damaged_card_is_refused(saved: Path, text: str):
    (saved / "model.json").write_text(text)
    assert "model.json is no model description" in refusal(saved)


@pytest.mark.parametrize("content", DAMAGED_JSON.values(), ids=DAMAGED_JSON)
def test_a_card_that_is_no_strict_json_is_refused(saved: Path, content: bytes):
    (saved / "model.json").write_bytes(content)
    assert "model.json is no model description" in refusal(saved)


def test_a_newer_format_asks_for_an_upgrade(saved: Path):
    change_card(saved, format=3, something_new={})
    assert "has format 3, this version reads 2; upgrade instrumentarium" in refusal(saved)


def test_an_older_format_says_what_to_do(saved: Path):
    (saved / "model.json").write_text('{"format": 1, "labels": ["cel"], "network": {"kind": "cnn"}}')
    message = refusal(saved)
    assert "has format 1, of an earlier version; this one reads 2" in message
    assert "Train the model again with `dvc repro train`" in message


@pytest.mark.parametrize("code", ["cel", "Cello!", ""])
def test_labels_that_are_no_set_of_codes_are_refused(saved: Path, code: str):
    labels = [{"code": "cel", "name": "cello", "family": ""}, {"code": code, "name": "another", "family": ""}]
    change_card(saved, labels=labels)
    assert "model.json is no model description" in refusal(saved)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"normalisation": {"kind": "per_band", "mean": [[0.0] * 15], "std": [[1.0] * 15], "frames": 1}}, "one a band"),
        ({"backbone": {"kind": "timm", "architecture": "resnet_of_mine"}}, "resnet_of_mine"),
        ({"backbone": {"kind": "svm"}}, "svm"),
        ({"backbone": {"kind": "waveform_cnn", "channels": [4, 8]}}, "takes waveforms"),
        ({"sample_rate_hz": "fast"}, "sample_rate_hz"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(saved: Path, changes: dict[str, object], named: str):
    change_card(saved, **changes)
    assert named in refusal(saved)


def test_a_card_can_be_read_without_its_weights(saved: Path):
    (saved / "model.safetensors").unlink()
    assert load_card(saved) == tiny_card()


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_no_flipped_bit_goes_unnoticed(saved: Path, name: str):
    path, rng = saved / name, np.random.default_rng(0)
    sound = path.read_bytes()
    check_files(saved)
    for bit in rng.integers(8 * len(sound), size=40).tolist():
        path.write_bytes(sound[: bit // 8] + bytes([sound[bit // 8] ^ 1 << bit % 8]) + sound[bit // 8 + 1 :])
        try:
            card = load_card(saved)
            check_files(saved)
        except ModelFileError:
            continue
        assert name == "model.json", f"bit {bit} of the weights"
        assert card == tiny_card(), f"bit {bit}"  # a space turned into a line end


def test_damage_says_what_to_do(saved: Path):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert "it is damaged or another model's" in refusal(saved)
    assert "remove it and run `dvc checkout`" in refusal(saved)
    content = json.loads((saved / "model.json").read_text())
    (saved / "model.json").write_text(json.dumps(content | {"taxonomy_name": "of mine"}))
    assert "model.json is no model description: it is damaged or was changed" in refusal(saved)
    assert "run `dvc checkout`" in refusal(saved)


@pytest.mark.parametrize("key", ["sha256", "weights_sha256"])
def test_a_model_from_before_damage_was_noticed_is_to_be_trained_again(saved: Path, key: str):
    content = json.loads((saved / "model.json").read_text())
    rest = {name: value for name, value in content.items() if name not in {key, "sha256"}}
    (saved / "model.json").write_text(json.dumps(rest if key == "sha256" else sealed(rest)))
    assert f"it lacks {key}, which every model has" in refusal(saved)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_refused(saved: Path, value: float):
    weights = load_file(saved / "model.safetensors")
    weights["head.linear.bias"][3] = value
    change_weights(saved, weights)
    assert "numbers that are not finite, in head.linear.bias: the training diverged" in refusal(saved)


@pytest.mark.parametrize(
    ("mean", "std"), [(math.nan, 1.0), (0.0, math.inf), (0.0, math.nan), (0.0, 0.0), (1e300, 1.0), (0.0, 1e-300)]
)
def test_a_normalisation_that_is_not_finite_is_refused(saved: Path, mean: float, std: float):
    content = json.loads((saved / "model.json").read_text())
    content |= {"normalisation": {"kind": "per_band", "mean": [[mean] * 16], "std": [[std] * 16], "frames": 1}}
    (saved / "model.json").write_text(json.dumps(sealed({k: v for k, v in content.items() if k != "sha256"})))
    assert "model.json" in refusal(saved)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": ' + "9" * 5000 + "}", '{"format": 2, "sample_rate_hz": NaN}', '{"labels": "\\ud800"}'],
    ids=["brackets", "digits", "NaN", "half a character"],
)
def test_json_that_breaks_parsers_is_refused(saved: Path, text: str):
    (saved / "model.json").write_text(text)
    assert "model.json is no model description" in refusal(saved)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frontend": {**RELATIVE.model_dump(), "hop_length": 1}}, "hop_length must be at least n_fft / 32"),
        (
            {"sample_rate_hz": 32002, "frontend": {**RELATIVE.model_dump(), "sample_rate_hz": 32001}},
            "a resampler needs",
        ),
        ({"sample_rate_hz": 10**9}, "less than or equal to 96000"),
        (
            {
                "frontend": {**RELATIVE.model_dump(), "n_mels": 1024, "n_fft": 64, "hop_length": 2},
                "windows": {**WINDOWS.model_dump(), "length_s": 60.0},
                "normalisation": {"kind": "per_band", "mean": [[0.0] * 1024], "std": [[1.0] * 1024], "frames": 1},
            },
            "values of a window of 60 s",
        ),
    ],
)
def test_a_model_that_would_take_gigabytes_is_refused(saved: Path, changes: dict[str, object], said: str):
    change_card(saved, **changes)
    assert said in refusal(saved)


def test_what_was_there_stays_if_saving_fails(saved: Path, monkeypatch: pytest.MonkeyPatch):
    before = bytes_below(saved)

    def full_disk(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_model(saved, tiny_model(seed=5).state_dict(), tiny_card())
    monkeypatch.undo()
    assert bytes_below(saved) == before
