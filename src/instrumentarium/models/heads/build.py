"""From parameters to a head."""

from instrumentarium.models.heads.attention import AttentionHead
from instrumentarium.models.heads.base import Head
from instrumentarium.models.heads.linear import LinearHead
from instrumentarium.models.params import AttentionHeadParams, LinearHeadParams


def build_head(params: LinearHeadParams | AttentionHeadParams, size: int, instruments: int) -> Head:
    """Return the head that `params` describe, for embeddings of `size` and so many instruments."""
    match params:
        case LinearHeadParams():
            return LinearHead(size, instruments, params.pooling, params.dropout)
        case AttentionHeadParams():
            return AttentionHead(size, instruments, params.dropout)
