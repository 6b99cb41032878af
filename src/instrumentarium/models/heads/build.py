"""From parameters to a head."""

from instrumentarium.models.heads.attention import AttentionHead
from instrumentarium.models.heads.base import Head
from instrumentarium.models.heads.deep import DeepHead
from instrumentarium.models.heads.linear import LinearHead
from instrumentarium.models.heads.per_instrument import PerInstrumentHead
from instrumentarium.models.params import (
    AttentionHeadParams,
    DeepHeadParams,
    HeadParams,
    LinearHeadParams,
    PerInstrumentHeadParams,
)


def build_head(params: HeadParams, size: int, instruments: int) -> Head:
    """Return the head that `params` describe, for embeddings of `size` and so many instruments."""
    match params:
        case LinearHeadParams():
            return LinearHead(size, instruments, params.pooling, params.dropout)
        case AttentionHeadParams():
            return AttentionHead(size, instruments, params.dropout)
        case DeepHeadParams():
            return DeepHead(size, instruments, params.pooling, params.hidden, params.dropout)
        case PerInstrumentHeadParams():
            return PerInstrumentHead(size, instruments, params.pooling, params.hidden, params.dropout)
