"""A trained model in three lines of Python; the same numbers as the command `predict`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.decoding.stream import SampleStream
from instrumentarium.models.modelfile import ModelCard
from instrumentarium.predicting.choices import Backend, Device
from instrumentarium.predicting.embedding import embed_streams
from instrumentarium.predicting.inputs import readable_name
from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.loading import load_ladder, model_card
from instrumentarium.predicting.modelsource import default_model, find_model
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.timeline import FloatArray, TimelineSettings
from instrumentarium.runtime.errors import UserError

MOST_CHANNELS = 32
"""An array with fewer rows than this and more columns is (channels, frames), which nothing here takes."""


class WaveformError(UserError, ValueError):
    """An array that is no waveform, or lacks its sample rate."""


class Model:
    """A trained model with its thresholds and its temperature; `instrumentarium.load` returns one.

    Attributes:
        card: all that model.json says: front end, backbone, head, windows, what it was trained on.
    """

    def __init__(self, files2table: Files2Table) -> None:
        self._files2table, self._audio2timeline = files2table, files2table.audio2timeline
        self.card: ModelCard = model_card(files2table)

    @property
    def instruments(self) -> dict[str, str]:
        """Names of the instruments by their codes, in the order of all scores."""
        return self.card.taxonomy.names

    @property
    def sample_rate(self) -> int:
        """Of the model's input, in Hz; audio of any other is resampled."""
        return self._audio2timeline.samples2scores.sample_rate_hz

    @property
    def thresholds(self) -> FloatArray:
        """Of each instrument, (instruments,), for scores before calibration; chosen on validation."""
        return self._audio2timeline.thresholds.copy()

    def predict(
        self, audio: str | Path | npt.ArrayLike, sample_rate: int | None = None, name: str | None = None
    ) -> Prediction:
        """Return which instruments play in a recording, and when: what the command `predict` reports.

        Args:
            audio: the path of a file, or a waveform, (frames,) or (frames, channels): int16, or floats with full scale
                ±1. librosa and torchaudio hold (channels, frames): hand over its transpose.
            sample_rate: of a waveform, in Hz.
            name: stands as `path` in the prediction; by default the path.

        Raises:
            AudioError: if it cannot be decoded, is shorter than 0.1 s, or holds NaN or infinity.
            OSError: if the file cannot be opened.
            WaveformError: if the array has another shape or type, or no sample rate was given.
        """
        if isinstance(audio, str | Path):
            path = Path(audio)
            return self._files2table.file2timeline(path, readable_name(path) if name is None else name)
        stream = self._stream(audio, sample_rate)
        return self._audio2timeline.decide(self._audio2timeline.samples2scores(stream), name or "")

    def predict_files(self, paths: Iterable[str | Path]) -> Iterator[Prediction]:
        """Yield the prediction of each file, in order, on all cores: for many files faster than one after the other.

        A file that cannot be used has its reason as `error`, and no scores.
        """
        return self._files2table((Path(path) for path in paths), readable_name)

    def embed(
        self, recordings: Sequence[str | Path | npt.ArrayLike], sample_rate: int | None = None
    ) -> npt.NDArray[np.float32]:
        """Return what the network's head says of recordings before it names instruments, (recordings, size).

        A recording's embedding is the mean over its windows, each as far as it counts beside the loudest: what the
        pipeline writes to data/embeddings.npy. All recordings together are scored in batches, on all cores.

        Args:
            recordings: paths and waveforms, as `predict` takes them.
            sample_rate: of the waveforms, in Hz.

        Raises:
            AudioError: if one cannot be used; the message says which.
            NoEmbeddingError: if the model runs in ONNX Runtime, whose file holds probabilities only.
            WaveformError: as for `predict`, and for a single path or waveform: the argument is a list.
        """
        if isinstance(recordings, str | Path) or (isinstance(recordings, np.ndarray) and recordings.dtype.kind in "fi"):
            raise WaveformError("embed takes a list of recordings: [recording] for a single one")
        names = [str(each) if isinstance(each, str | Path) else f"recording {n}" for n, each in enumerate(recordings)]
        streams = (self._stream(each, sample_rate) for each in recordings)
        streams2scores = self._files2table.streams2scores
        model = self._audio2timeline.samples2scores.windows2scores.model
        return embed_streams(model, streams, names, streams2scores.windowing, streams2scores.workers)

    def _stream(self, audio: str | Path | npt.ArrayLike, rate_hz: int | None) -> SampleStream:
        """Return the samples of a path or a waveform, at the model's rate."""
        if isinstance(audio, str | Path):
            return SampleStream.of_file(Path(audio), self.sample_rate)
        array = np.asarray(audio)
        if rate_hz is None:
            raise WaveformError("a waveform needs its sample_rate in Hz: predict(array, sample_rate=44100)")
        if array.dtype != np.int16 and array.dtype.kind != "f":
            raise WaveformError(f"a waveform is int16, or floats with full scale ±1; found {array.dtype}")
        if array.ndim == 2 and array.shape[0] <= MOST_CHANNELS < array.shape[1]:
            raise WaveformError(
                f"a waveform has shape (frames,) or (frames, channels); found {array.shape}, which looks like (channels, "
                "frames): hand over its transpose, array.T"
            )
        return SampleStream.of_array(array, rate_hz, self.sample_rate)

    def __sklearn_clone__(self) -> "Model":
        """Return the model itself: scikit-learn copies the parameters of pipelines, and weights need no copies."""
        return self

    def __repr__(self) -> str:
        trained = self.card.trained
        return f"<Model {trained.model}, {len(self.instruments)} instruments, trained on {trained.collection}>"


def load(
    model: str | Path | None = None,
    *,
    thresholds: str | Path | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    backend: Literal["torch", "onnxruntime"] = "torch",
    onnx: str | Path | None = None,
    overlap: float | None = None,
    timeline: TimelineSettings | None = None,
) -> Model:
    """Return a trained model, ready to predict. On a processor, sets how many threads PyTorch uses in this process.

    Args:
        model: a model's folder, a Git revision, or a DVC experiment of the repository at hand: as `--model` of the command.
            None: data/model of that repository, and where none is trained, the one that the package ships; that is logged.
        thresholds: a file of them; by default thresholds.json in the model's folder or beside it.
        device: where PyTorch runs the model; auto: on the GPU where there is one.
        backend: what runs the model; onnxruntime takes the file that `instrumentarium export --onnx` wrote.
        onnx: that file; by default beside the model's folder.
        overlap: share of a window that the next one covers again; by default as in evaluation.
        timeline: how the timeline is made; by default as the command makes it.

    Raises:
        UnknownModelError, RevisionError: if there is no such folder, and no revision that has a model.
        MissingModelError, ModelFileError: if the folder holds no model, or it is damaged or of another version.
        MissingThresholdsError, ThresholdsError: if there are no thresholds, or they are another model's.
        DeviceError, OnnxFileError, MissingOnnxError, OverlapError: if a choice cannot be followed here.
    """
    files2table = load_ladder(
        default_model() if model is None else find_model(str(model)),
        None if thresholds is None else Path(thresholds),
        timeline,
        overlap=overlap,
        backend=Backend(backend),
        onnx=None if onnx is None else Path(onnx),
        device=Device(device),
    )
    return Model(files2table)
