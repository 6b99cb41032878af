"""Windows of clips as rows of a table: which windows, what rows, and a folder that notices what is not of one run."""

from pathlib import Path

import numpy as np
import pytest
from model_fixtures import RATE_HZ, WINDOWS, bytes_below, clip_samples, noise_clips

from instrumentarium.clips.windows import window_starts
from instrumentarium.descriptors.describe import describe_clips, spread
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.descriptors.plots import correlation_rows, variance_rows
from instrumentarium.descriptors.table import DescriptorsError, DescriptorTable
from instrumentarium.descriptors.windows import PERCENTILES, WindowDescriptors, summarise_frames

PARAMS = DescriptorParams(n_fft=512, hop_length=256, n_mels=20, n_mfcc=8, train_windows=2)


def make_table() -> DescriptorTable:
    samples = clip_samples(noise_clips([RATE_HZ, RATE_HZ // 4, 2 * RATE_HZ]))
    return describe_clips(samples, np.array([False, True, True]), WINDOWS, PARAMS, RATE_HZ)


def test_frames_are_summarised_as_numpy_does() -> None:
    values = np.random.default_rng(0).normal(size=(3, 17, 5)).astype(np.float32)
    found = summarise_frames(values).reshape(3, -1, 5)
    np.testing.assert_allclose(found[:, 0], values.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], values.std(axis=1), atol=1e-6)
    wanted = np.percentile(values, PERCENTILES, axis=1).transpose(1, 0, 2)
    np.testing.assert_allclose(found[:, 2:], wanted, atol=1e-5)


def test_every_window_of_a_scored_clip_is_described_and_few_of_a_training_clip() -> None:
    table = make_table()
    length, hop = round(WINDOWS.length_s * RATE_HZ), round(WINDOWS.hop_s * RATE_HZ)
    starts = table.windows.groupby("clip_id")["start"].apply(list)
    assert starts["clip/000"] == window_starts(RATE_HZ, length, hop)
    assert starts["clip/001"] == [0]
    assert starts["clip/002"] == [0, 2 * RATE_HZ - length]


def test_a_row_is_that_of_its_window_alone() -> None:
    # as predict computes it, whatever batch a window comes in
    clips = noise_clips([RATE_HZ, RATE_HZ // 4, 2 * RATE_HZ])
    table = make_table()
    length = round(WINDOWS.length_s * RATE_HZ)
    describe = WindowDescriptors(PARAMS, RATE_HZ)
    row = table.windows.iloc[2]
    cut = clips[0][row["start"] : row["start"] + length]
    np.testing.assert_array_equal(table.values[2], describe(cut[None])[0])
    assert table.card.columns == describe.columns
    assert table.values.shape[1] == len(describe.columns)


@pytest.mark.parametrize(("count", "kept"), [(1, [2]), (2, [0, 4]), (3, [0, 2, 4]), (9, [0, 1, 2, 3, 4])])
def test_windows_are_spread_evenly(count: int, kept: list[int]) -> None:
    assert spread([0, 1, 2, 3, 4], count) == kept


def test_a_table_is_read_as_it_was_written_and_its_bytes_do_not_change(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_table().write(tmp_path / name)
    assert bytes_below(tmp_path / "a") == bytes_below(tmp_path / "b")
    read, made = DescriptorTable.read(tmp_path / "a"), make_table()
    np.testing.assert_array_equal(read.values, made.values)
    assert read.card == made.card
    assert read.windows.equals(made.windows)


def test_files_of_two_runs_are_refused(tmp_path: Path) -> None:
    table = make_table()
    table.write(tmp_path)
    np.save(tmp_path / "values.npy", table.values[1:])
    with pytest.raises(DescriptorsError, match=r"windows\.csv and card.json are of"):
        DescriptorTable.read(tmp_path)
    np.save(tmp_path / "values.npy", np.full_like(table.values, np.nan))
    with pytest.raises(DescriptorsError, match="not finite"):
        DescriptorTable.read(tmp_path)
    (tmp_path / "values.npy").write_bytes(b"nothing")
    with pytest.raises(DescriptorsError, match="cannot be read"):
        DescriptorTable.read(tmp_path)


def test_a_clip_without_descriptors_is_named() -> None:
    with pytest.raises(DescriptorsError, match="1 clips have no descriptors, first 'clip/other'"):
        make_table().of_clips({"clip/000": 0, "clip/other": 1})


def test_variance_lies_between_recordings_or_within_them() -> None:
    columns = ["rms_mean", "flux_mean", "entropy_mean", "rms_deviation"]
    values = np.array([[1, 0, 5, 9], [1, 1, 5, 9], [3, 0, 5, 8], [3, 1, 5, 8]], dtype=np.float32)
    found = variance_rows(columns, values, np.array(["a", "a", "b", "b"]))
    assert [(row["descriptor"], row["share"]) for row in found] == [("rms", 1.0), ("flux", 0.0), ("entropy", None)]


def test_correlations_are_pearsons() -> None:
    values = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    found = {
        (row["descriptor"], row["with"]): row["correlation"]
        for row in correlation_rows(["rms_mean", "flux_mean"], values)
    }
    assert found["rms", "flux"] == found["flux", "rms"] == round(float(np.corrcoef(values.T)[0, 1]), 4)
    assert found["rms", "rms"] == 1.0
