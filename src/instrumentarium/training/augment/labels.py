"""Labels of what is put together: an instrument is present, absent, or nobody knows.

It is present if it is present in any part; it is known to be absent only if it is known to be absent in all; otherwise
nobody knows. So a part in which everything is known to be absent changes nothing.
"""

from torch import Tensor


def union(targets: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Return targets and observed, (batch, instruments), of all parts together; both are (batch, parts, instruments)."""
    present = (targets.bool() & observed.bool()).any(dim=1)
    absent = (~targets.bool() & observed.bool()).all(dim=1)
    return present.to(targets.dtype), (present | absent).to(observed.dtype)
