"""What can be wrong with a request for an explanation."""

from instrumentarium.runtime.errors import UserError


class ExplainError(UserError, ValueError):
    """Something cannot be explained as asked; the message says what to do."""


class UnknownClipError(ExplainError):
    """A clip id in `explain.clips` that no scored clip has."""


class StaleScoresError(ExplainError):
    """Scores or embeddings of other clips than those of the present split."""


class NoFeatureMapError(ExplainError):
    """Grad-CAM was asked for of a network without a convolutional feature map."""


class NoAttentionError(ExplainError):
    """Attention maps were asked for of a network without attention that can be read."""


class TooFewClipsError(ExplainError):
    """Fewer scored clips than a projection needs."""


class BrokenEmbeddingsError(ExplainError):
    """A damaged file of embeddings, or one with numbers that are not finite."""
