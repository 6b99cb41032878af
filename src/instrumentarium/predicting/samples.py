"""Windows of a stream of samples, cut as evaluation cuts them, without knowing the stream's length."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.windows import cut_window


def stream_windows(
    blocks: Iterator[npt.NDArray[np.int16]], length: int, hop: int
) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Yield (start, window) of consecutive samples: the windows of `windows.window_starts`, without knowing the length.

    Each window has `length` samples. At most a block and a window are held.
    """
    held = np.zeros(0, np.int16)
    first, start = 0, 0  # where `held` begins, where the next window does
    for block in blocks:
        held = np.concatenate([held, block])
        while start + length <= first + len(held):
            yield start, held[start - first : start - first + length].copy()
            start += hop
        keep = max(first, min(start, first + len(held) - length))
        held, first = held[keep - first :], keep
    end = first + len(held)
    last = start - hop + length if start else 0  # where the windows so far end
    if end > last:
        begin = max(0, end - length)
        yield begin, cut_window(held, begin - first, length).copy()
