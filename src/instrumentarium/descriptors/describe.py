"""The windows of clips, described: every one of a clip that is scored, a few of one to train on."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import levels_db
from instrumentarium.clips.params import WindowsParams
from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.descriptors.table import DescriptorCard, DescriptorTable
from instrumentarium.descriptors.windows import WindowDescriptors
from instrumentarium.runtime.workers import map_in_order, worker_pool

BATCH = 4
"""Windows described at once: what is computed of them nearly stays in the processor's caches."""

Task = tuple[int, list[int]]
"""A clip's index and where some of its windows start."""


def describe_clips(
    samples: ClipSamples,
    training: npt.NDArray[np.bool_],
    windows: WindowsParams,
    params: DescriptorParams,
    rate_hz: int,
) -> DescriptorTable:
    """Return the table of all clips' windows, in the order of clips and time.

    Args:
        samples: of the clips, in the order of their ids.
        training: (clips,), whose windows are few and spread evenly.
        windows: how they are cut.
        params: of the descriptors.
        rate_hz: of the samples.

    Raises:
        ValueError: if there is no clip.
    """
    length, hop = round(windows.length_s * rate_hz), round(windows.hop_s * rate_hz)
    describe = WindowDescriptors(params, rate_hz)

    def rows_of(task: Task) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        clip, starts = task
        whole = samples.read(clip)
        cut = np.stack([cut_window(whole, start, length) for start in starts])
        return describe(cut), levels_db(cut)

    def tasks() -> Iterator[Task]:
        for clip, count in enumerate(samples.n_samples):
            starts = window_starts(count, length, hop)
            if training[clip]:
                starts = spread(starts, params.train_windows)
            for begin in range(0, len(starts), BATCH):
                yield clip, starts[begin : begin + BATCH]

    wanted = list(tasks())
    # one thread a clip fills the cores; BLAS's own would only get in one another's way
    with threadpool_limits(limits=1), worker_pool("threads") as pool:
        found = list(map_in_order(pool, rows_of, wanted, "descriptors"))
    table = pd.DataFrame(
        [(samples.clip_ids[clip], start) for clip, starts in wanted for start in starts], columns=["clip_id", "start"]
    )
    table["level_db"] = np.concatenate([levels for _, levels in found]).round(6)
    card = DescriptorCard(sample_rate_hz=rate_hz, windows=windows, params=params, columns=describe.columns)
    return DescriptorTable(card, table, np.concatenate([rows for rows, _ in found]))


def spread(starts: list[int], count: int) -> list[int]:
    """Return at most `count` of `starts`, evenly spread, the first and the last among them where there are two or more."""
    if len(starts) <= count:
        return starts
    places = np.round(np.linspace(0, len(starts) - 1, count)) if count > 1 else np.array([len(starts) // 2])
    return [starts[int(place)] for place in places]
