"""How commands name a model, and what runs it."""

from enum import StrEnum

DEFAULT_MODEL = "data/model"
MODEL_HELP = "A model's folder, a Git revision, or a DVC experiment of the repository at hand."


class Backend(StrEnum):
    """What runs the model."""

    TORCH = "torch"
    ONNXRUNTIME = "onnxruntime"
