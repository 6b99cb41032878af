"""Entries of `augmentations`: what is refused at the params stage, with its key and what is allowed."""

from pathlib import Path

import pytest
from config.test_selection import COMMITTED, Load, load, refusal

from instrumentarium.config.check import check_files
from instrumentarium.config.selection import write_selection
from instrumentarium.runtime.jsonfile import read_json
from instrumentarium.runtime.section import ParamsError

__all__ = ["load"]
COMPOSED = {"probability": 0.6, "clips": 3, "instruments": 4, "level_db": 9.0, "partners": "random"}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "sum.sum.partners",
            "keys",
            "sum.sum.partners: Input should be 'random', 'genre', 'key' or 'tempo', found 'keys'",
        ),
        ("sum.sum.clips", 6, "sum.sum.clips: Input should be less than or equal to 5, found 6"),
        ("sum.sum.clips", 1, "sum.sum.clips: Input should be greater than or equal to 2, found 1"),
        ("sum.concatenate", {**COMPOSED, "probability": 0.8}, "sum: a window is either a sum or a concatenation"),
        ("heavy.filters.lowest_hz", 9000.0, "heavy.filters: lowest_hz must lie below highest_hz, found 9000 and 8000"),
        (
            "heavy.filters.highest_hz",
            16000.0,
            "heavy.filters.highest_hz is 16000, and half of audio.sample_rate_hz is 16000",
        ),
        ("heavy.codec.lowest_hz", 20000.0, "heavy.codec.lowest_hz is 20000, and half of audio.sample_rate_hz is 16000"),
        ("heavy.codec.fewest_bits", 9, "heavy.codec.fewest_bits: Input should be less than or equal to 8, found 9"),
        ("heavy.time_stretch.factor", 1.0, "heavy.time_stretch.factor: Input should be greater than 1, found 1.0"),
        ("heavy.clipping.share", 0.0, "heavy.clipping.share: Input should be greater than 0, found 0.0"),
        ("heavy.background.snr_db", 50.0, "heavy.background.snr_db: Input should be less than or equal to 40"),
        (
            "heavy.patch_shuffle",
            {"probability": 0.1, "bands": 1, "frames": 1},
            "heavy.patch_shuffle: a patch of one band",
        ),
        (
            "heavy.impulse_response.folder",
            " ",
            "heavy.impulse_response.folder: must name a folder of impulse responses",
        ),
        (
            "mixup.mixup.labels",
            "hard",
            "mixup.mixup.labels: Input should be 'union', 'soft_union' or 'mix', found 'hard'",
        ),
        ("mixup.mixup.alpha", 0.0, "mixup.mixup.alpha: Input should be greater than 0, found 0.0"),
        ("heavy.noise", {"probability": 0.3}, "heavy.noise.snr_db: is missing"),
        ("strong.polarty", {"probability": 0.5}, "strong: 'polarty' is not a parameter here"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(load: Load, key: str, value: object, message: str):
    assert f"augmentations.{message}" in refusal(load, {f"augmentations.{key}": value})


@pytest.mark.parametrize("entry", list(COMMITTED["augmentations"]))  # type: ignore[call-overload]
def test_every_entry_can_be_selected(load: Load, entry: str):
    changes: dict[str, object] = {"augmentation": entry}
    if not load({}).augmentations[entry].shifts_pitch:
        changes["windows.two_seconds.pitch_shift_semitones"] = 0.0
    stated = COMMITTED["augmentations"][entry]
    on = {name for name, value in stated.items() if value is not None}
    assert load(changes).selection.augmentation.used.keys() == on


def test_an_augmentation_set_to_null_is_off(load: Load):
    assert "noise" not in load({"augmentations.strong.noise": None}).selection.augmentation.used


def test_a_pitch_shift_of_waveforms_serves_a_test_time_pitch_shift(load: Load):
    shift = {"probability": 0.5, "semitones": 3.0}
    assert (
        load({"augmentations.strong.warp": None, "augmentations.strong.pitch_shift": shift}).selection.problems() == []
    )


def test_what_needs_a_spectrum_is_named_where_there_is_none(load: Load):
    message = refusal(load, {"model": "waveform", "augmentation": "strong"})
    assert "without warp, reverberation, equaliser, band_limit, time_mask, band_mask" in message
    load({"model": "waveform", "augmentations.waveform.polarity": {"probability": 0.5}})


def test_backgrounds_need_a_corpus_that_has_some(load: Load):
    message = refusal(load, {"augmentation": "heavy", "collections.miniature.corpora.esc50.use": False})
    assert "the augmentation has `background`, which takes clips without any instrument" in message
    load({"collections.miniature.corpora.esc50.use": False})


def test_a_folder_of_impulse_responses_that_is_not_there_stops_the_params_stage(load: Load, tmp_path: Path):
    params = load({"augmentations.heavy.impulse_response.folder": str(tmp_path / "rooms")})
    with pytest.raises(
        ParamsError, match=r"augmentations.heavy.impulse_response.folder: .*rooms is no folder that exists"
    ):
        check_files(params, Path("splits"), Path("taxonomies"), Path("overrides"))


@pytest.mark.parametrize(("entry", "by"), [("strong", []), ("sum", []), ("by_key", ["key"]), ("by_tempo", ["tempo"])])
def test_keys_are_asked_for_only_where_partners_are_chosen_by_them(
    load: Load, entry: str, by: list[str], tmp_path: Path
):
    write_selection(load({"augmentation": entry}).selection, tmp_path)
    assert read_json(tmp_path / "keys.json") == {"by": by}
