"""Key and tempo of every recording, from all its clips together, with librosa."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.keys.tonality import key_of
from instrumentarium.runtime.workers import map_in_order, worker_pool
from instrumentarium.tables.samplestore import FULL_SCALE, SILENT_PEAK

N_FFT = 4096
"""At 32 kHz it parts semitones from 130 Hz on."""
HOP_LENGTH = 512
"""Of onsets: 16 ms at 32 kHz."""
UNKNOWN = {"key": "unknown", "mode": "unknown", "key_strength": 0.0, "tempo_bpm": 0.0}

Recording = tuple[str, Sequence[npt.NDArray[np.int16]], int]


def estimate(recording: Recording) -> dict[str, object]:
    """Return the row of a recording: its id, its clips' samples and their rate; of silence nothing is known.

    The pitch classes of the clips are added up by energy, and so are their onsets' autocorrelations, from which librosa
    takes the tempo with its prior around 120 beats a minute.
    """
    import librosa

    recording_id, clips, rate = recording
    waveforms = [clip.astype(np.float32) / np.float32(FULL_SCALE) for clip in clips]
    sounding = [waveform for waveform in waveforms if np.abs(waveform).max(initial=0.0) >= SILENT_PEAK]
    if not sounding:
        return {"recording_id": recording_id, **UNKNOWN}
    chroma, tempograms = np.zeros(12), []
    for waveform in sounding:
        padded = np.pad(waveform, (0, max(N_FFT - len(waveform), 0)))
        power = np.abs(librosa.stft(padded, n_fft=N_FFT, hop_length=N_FFT // 2)) ** 2
        chroma += librosa.feature.chroma_stft(S=power, sr=rate, n_fft=N_FFT, norm=None).sum(axis=1)
        onsets = librosa.onset.onset_strength(y=padded, sr=rate, hop_length=HOP_LENGTH)
        tempogram = librosa.feature.tempogram(onset_envelope=onsets, sr=rate, hop_length=HOP_LENGTH, norm=None)
        tempograms.append(tempogram.mean(axis=1, keepdims=True))
    key, autocorrelation = key_of(chroma), np.sum(tempograms, axis=0)
    tempo = librosa.feature.tempo(tg=autocorrelation, sr=rate, hop_length=HOP_LENGTH)
    return {
        "recording_id": recording_id,
        "key": UNKNOWN["key"] if key is None else key.tonic,
        "mode": UNKNOWN["mode"] if key is None else key.mode,
        "key_strength": 0.0 if key is None else round(key.strength, 4),
        "tempo_bpm": round(float(tempo[0]), 2) if np.max(autocorrelation) > 0 else 0.0,
    }


def estimate_all(samples: ClipSamples, recordings: Mapping[str, str], rate: int) -> pd.DataFrame:
    """Return key and tempo of every recording, one row each.

    Args:
        samples: the clips.
        recordings: clip_id to recording_id.
        rate: of the samples.
    """
    clips: dict[str, list[int]] = {}
    for index, clip_id in enumerate(samples.clip_ids):
        clips.setdefault(recordings[clip_id], []).append(index)

    def tasks() -> Iterable[Recording]:
        for recording_id in sorted(clips):
            yield recording_id, [np.asarray(samples.read(index)) for index in clips[recording_id]], rate

    with worker_pool("processes") as pool:
        return pd.DataFrame(list(map_in_order(pool, estimate, tasks(), "keys")), columns=["recording_id", *UNKNOWN])
