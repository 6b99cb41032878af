"""What a user of a model may choose; imported by commands, so nothing heavy is imported here."""

from enum import StrEnum


class Backend(StrEnum):
    """What runs the model."""

    TORCH = "torch"
    ONNXRUNTIME = "onnxruntime"


class Device(StrEnum):
    """Where PyTorch runs the model."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Format(StrEnum):
    """How predictions are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    AUDACITY = "audacity"
    JAMS = "jams"


SINGLE = {Format.AUDACITY: ".txt", Format.JAMS: ".jams"}
"""Formats that hold one recording, and how their files end."""
