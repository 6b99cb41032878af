"""A model exported to ONNX as a file: where it lies, which model it was made of, and how it is run.

The file carries model.json and a fingerprint of the model's files as metadata, so that it is never taken for another
model's; and the sha256 of itself, so that damage is noticed. That is of the whole file with zeros in its own place.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import ModelCard, load_card
from instrumentarium.predicting.onnxgraph import INPUT, INSTALL, OUTPUT, MissingOnnxError
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path
from instrumentarium.runtime.sealed import sha256_of

if TYPE_CHECKING:
    import onnxruntime

CARD, MADE_OF = "instrumentarium.model.json", "instrumentarium.fingerprint"
"""Keys of the metadata."""
DIGEST = "instrumentarium.sha256"
UNKNOWN = "0" * 64
"""What stands for the digest while it is computed."""
AGAIN = "run `instrumentarium export --onnx --model {}`"


class OnnxFileError(UserError, ValueError):
    """No exported file, or one that does not fit the model."""


def onnx_path(folder: Path) -> Path:
    """Return where a model's exported file lies: beside its folder, which is DVC's; data/model.onnx for data/model."""
    folder = folder.absolute()
    return folder.with_name(f"{folder.name}.onnx")


def fingerprint_of(folder: Path) -> str:
    """Return what tells one model from any other: a hash of its files."""
    return fingerprint({}, [folder / "model.json", folder / "model.safetensors"])


def add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Write `metadata` into an ONNX file, and check that the file is sound."""
    import onnx

    content = onnx.load(path)
    onnx.helper.set_model_props(content, {**metadata, DIGEST: UNKNOWN})
    content.producer_name = "instrumentarium"
    onnx.checker.check_model(content, full_check=True)
    with atomic_path(path) as temporary:
        data = content.SerializeToString(deterministic=True)
        place = _place_of_digest(data)
        assert place is not None
        temporary.write_bytes(data[: place.start] + sha256_of(data).encode() + data[place.stop :])


def _place_of_digest(data: bytes) -> slice | None:
    """Return where an ONNX file holds its digest; None if it holds none, or more than one place could be it."""
    size = len(UNKNOWN)
    mark = DIGEST.encode() + bytes([0x12, size])  # as protobuf writes a key and the length of its value
    start = data.find(mark) + len(mark)
    return slice(start, start + size) if data.count(mark) == 1 and start + size <= len(data) else None


def read_sound(path: Path, again: str) -> bytes:
    """Return the content of an exported file.

    Raises:
        OnnxFileError: if it is damaged, or none that was exported by instrumentarium; `again` says what to run.
    """
    data = path.read_bytes()
    place = _place_of_digest(data)
    if place is None:
        raise OnnxFileError(
            f"{path} is no ONNX file that can be used: it is none that instrumentarium exported, one of an earlier "
            f"version, or damaged; {again}"
        )
    if sha256_of(data[: place.start] + UNKNOWN.encode() + data[place.stop :]).encode() != data[place]:
        raise OnnxFileError(f"{path} is no ONNX file that can be used: it is damaged, its sha256 is another; {again}")
    return data


class OnnxRecognizer:
    """An exported model in ONNX Runtime; its scores are those of the model itself."""

    def __init__(self, session: "onnxruntime.InferenceSession", card: ModelCard) -> None:
        self.session, self.card = session, card

    @classmethod
    def load(cls, folder: Path, path: Path | None = None, threads: int = 0) -> "OnnxRecognizer":
        """Return the recognizer of a model folder, from the file exported of it.

        Args:
            folder: the model's.
            path: of the exported file; by default beside the folder.
            threads: of each batch; 0 for as many as there are cores.

        Raises:
            MissingOnnxError: if ONNX Runtime is not installed.
            OnnxFileError: if there is no such file, it is damaged, or it was exported from another model.
            ModelFileError: if model.json is damaged.
        """
        try:
            import onnxruntime
            from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf
        except ImportError as error:
            raise MissingOnnxError(
                f"the backend onnxruntime needs the package onnxruntime, which is not installed: {INSTALL}"
            ) from error

        card, again = load_card(folder), AGAIN.format(folder)
        path = path or onnx_path(folder)
        if not path.is_file():
            raise OnnxFileError(f"{path} is missing: the model has not been exported; {again}")
        try:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            data = read_sound(path, again)
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidGraph, InvalidProtobuf) as error:
            raise OnnxFileError(f"{path} is no ONNX file that can be used: {error}; {again}") from error
        made_of = session.get_modelmeta().custom_metadata_map.get(MADE_OF)
        if made_of is None:
            raise OnnxFileError(f"{path} is an ONNX file, but none that instrumentarium exported; {again}")
        if made_of != fingerprint_of(folder):
            raise OnnxFileError(
                f"{path} was exported from another model than {folder} holds now "
                f"({made_of[:7]}, now {fingerprint_of(folder)[:7]}); {again}"
            )
        return cls(session, card)

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return the probabilities, (batch, instruments), for windows (batch, samples) at the model's rate.

        Raises:
            OnnxFileError: if the exported model cannot take windows of this shape.
        """
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

        try:
            (probabilities,) = self.session.run([OUTPUT], {INPUT: to_waveforms(torch.from_numpy(windows)).numpy()})
        except (Fail, InvalidArgument, RuntimeException) as error:
            shape = tuple(windows.shape)
            raise OnnxFileError(f"the exported model fails on waveforms of shape {shape}: {error}") from error
        return np.asarray(probabilities, dtype=np.float32)
