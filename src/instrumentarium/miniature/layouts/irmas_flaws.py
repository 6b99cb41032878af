"""Flaws planted among the training clips of the miniature IRMAS: repeated, shared, conflicting, broken, silent ones."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import soundfile
from numpy.typing import NDArray

from instrumentarium.miniature.layouts.archives import Member, encode_audio
from instrumentarium.miniature.layouts.irmas_training import (
    TRAIN_FOLDER,
    TRAIN_FRAMES,
    TrainRecording,
    train_name,
)
from instrumentarium.miniature.layouts.shared import CUTS_S, GENRE, LEADER, shared_recording
from instrumentarium.miniature.layouts.truth import Flaw, clip_id
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ


class PlantedFlaws:
    """The flaws planted beside clean training recordings, under numbers that no recording has."""

    def __init__(self, plan: Sequence[TrainRecording], seed: int) -> None:
        random = generator(seed, "irmas", "train", "flaws")
        taken = {recording.number for recording in plan}
        self.numbers = [int(number) for number in random.permutation(9999) + 1 if int(number) not in taken][:16]
        honest = [recording for recording in plan if recording.leader == recording.label]
        guitars = [recording for recording in honest if recording.label == "gac"]
        chosen = [honest[int(i)] for i in random.permutation(len(honest)) if honest[int(i)].label != "gac"]
        self.twin = {chosen[0].number: self.numbers[0], chosen[1].number: self.numbers[1]}  # byte for byte
        self.louder = {chosen[2].number: self.numbers[2]}  # another gain and offset
        self.renamed = {chosen[3].number}  # the same number with and without a drum tag
        self.conflicting = {guitars[0].number: self.numbers[3]}
        self.broken = {chosen[4].number: self.numbers[4]}
        self.silent = {chosen[5].number: self.numbers[5]}
        self.recoded = {chosen[6].number: self.numbers[6]}  # through a codec, from another moment on
        self.shared = {next(recording.number for recording in plan if recording.label == LEADER): self.numbers[7]}
        self.seed = seed

    def planted(
        self, recording: TrainRecording, take: int, name: str, samples: NDArray[np.int16], flaws: list[Flaw]
    ) -> Iterator[Member]:
        """The members that follow a clip, their flaws noted in `flaws`."""
        original = clip_id("irmas", name)

        def note(member: str, flaw: str, detail: str, partner: str = "") -> str:
            flaws.append(Flaw(clip_id("irmas", member), flaw, detail, partner))
            return member

        def renamed(number: int, label: str = recording.label) -> str:
            return f"{TRAIN_FOLDER}/{label}/[{label}][{recording.genre}]{number:04d}__{take}.wav"

        number = recording.number
        content = encode_audio(samples, SAMPLE_RATE_HZ, "wav")
        if number in self.twin:
            yield note(renamed(self.twin[number]), "duplicate", "same bytes", original), content
        if number in self.louder:
            moved = np.roll(samples, 4410, axis=0)
            moved[:4410] = 0
            quieter = np.round(moved * 0.6).astype(np.int16)
            detail = "0.1 s later, 4.4 dB quieter"
            yield (
                note(renamed(self.louder[number]), "duplicate", detail, original),
                encode_audio(quieter, SAMPLE_RATE_HZ, "wav"),
            )
        if number in self.recoded:
            detail = "coded at a low rate, 0.5 s less at its beginning"
            yield (
                note(renamed(self.recoded[number]), "duplicate", detail, original),
                encode_audio(_recoded(samples[22050:]), SAMPLE_RATE_HZ, "wav"),
            )
        if number in self.shared and take <= len(CUTS_S):
            cut_s = CUTS_S[take - 1]
            cut = shared_recording(self.seed, recording.fonts)[round(cut_s * SAMPLE_RATE_HZ) :][:TRAIN_FRAMES]
            member = f"{TRAIN_FOLDER}/{LEADER}/[{LEADER}][{GENRE}]{self.shared[number]:04d}__{take}.wav"
            yield (
                note(member, "shared", f"from {cut_s} s on of what OpenMIC has too"),
                encode_audio(cut, SAMPLE_RATE_HZ, "wav"),
            )
        if number in self.renamed:
            twin = replace(recording, tagged=not recording.tagged)
            yield note(train_name(twin, take), "duplicate", "same number, other drum tag", original), content
        if number in self.conflicting:
            yield note(renamed(self.conflicting[number], "gel"), "contradiction", "truly gac", original), content
        if number in self.broken and take <= 2:
            detail = ("a text file", "cut off within its header")[take - 1]
            yield (
                note(renamed(self.broken[number]), "unreadable", detail),
                (b"This is no audio.\n", content[:30])[take - 1],
            )
        if number in self.silent and take == 1:
            silence = encode_audio(np.zeros_like(samples), SAMPLE_RATE_HZ, "wav")
            yield note(renamed(self.silent[number]), "silent", "digital zeros"), silence


def _recoded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """The samples as they come back from a poor Vorbis file a channel, (TRAIN_FRAMES, channels), silent at the end."""
    whole = np.zeros((TRAIN_FRAMES, samples.shape[1]), dtype=np.int16)
    for channel in range(samples.shape[1]):
        ogg = encode_audio(np.ascontiguousarray(samples[:, channel]), SAMPLE_RATE_HZ, "ogg", 0.1)
        back, _ = soundfile.read(io.BytesIO(ogg), dtype="int16")
        whole[: len(back), channel] = back[:TRAIN_FRAMES]
    return whole
