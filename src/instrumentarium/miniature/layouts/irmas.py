"""A miniature IRMAS: three zips with the names, folders, labels and flaws of the published ones.

Layout and grammar: Bosch, Janer, Fuhrmann & Herrera, "A comparison of sound segregation techniques for predominant
instrument recognition in musical audio signals", ISMIR 2012; Zenodo record 1290750.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from instrumentarium.miniature.layouts.archives import Member, encode_audio, write_zip
from instrumentarium.miniature.layouts.irmas_flaws import PlantedFlaws
from instrumentarium.miniature.layouts.irmas_testing import TestClip, plan_test, render_test_clip
from instrumentarium.miniature.layouts.irmas_training import (
    TRAIN_FOLDER,
    TrainRecording,
    plan_train,
    render_train_clip,
    train_name,
)
from instrumentarium.miniature.layouts.truth import Flaw, clip_id, write_flaws, write_timeline
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts
from instrumentarium.runtime.workers import map_in_order, worker_pool


def render(
    folder: Path, truth_path: Path, *, seed: int, train_recordings: int, test_songs: int, soundfonts: Fonts = SHIPPED
) -> None:
    """Render the training zip and two testing zips into `folder`, and what they truly contain to `truth_path`.

    Args:
        folder: an existing folder.
        truth_path: CSV of planted flaws; `<stem>-timeline.csv` beside it says when instruments sound in test clips.
        seed: of everything drawn.
        train_recordings: recordings an instrument, of 2 or 3 clips each, besides the planted ones.
        test_songs: songs over both testing zips, of several clips each.
        soundfonts: from which each recording's instruments are drawn.

    Raises:
        ValueError: if a count is not positive.
    """
    if train_recordings < 1 or test_songs < 1:
        raise ValueError(f"train_recordings and test_songs must be positive, found {train_recordings} and {test_songs}")
    flaws: list[Flaw] = []
    activity: dict[str, Mapping[str, tuple[tuple[float, float], ...]]] = {}
    clips = plan_test(seed, test_songs, soundfonts)
    with worker_pool("processes") as pool:
        write_zip(
            folder / "IRMAS-TrainingData.zip",
            _training_members(pool, plan_train(seed, train_recordings, soundfonts), seed, flaws),
        )
        for part in (1, 2):
            chosen = [clip for clip in clips if (clip.song >= (test_songs + 1) // 2) == (part == 2)]
            write_zip(
                folder / f"IRMAS-TestingData-Part{part}.zip", _testing_members(pool, chosen, part, activity, flaws)
            )
    write_flaws(truth_path, flaws)
    write_timeline(truth_path, activity)


def _training_members(
    pool: Executor | None, plan: Sequence[TrainRecording], seed: int, flaws: list[Flaw]
) -> Iterator[Member]:
    tasks = [(recording, take) for recording in plan for take in range(1, recording.clips + 1)]
    spare = PlantedFlaws(plan, seed)
    yield f"{TRAIN_FOLDER}/", b""
    rendered = map_in_order(pool, render_train_clip, tasks, "IRMAS training clips")
    folder = ""
    for (recording, take), samples in zip(tasks, rendered, strict=True):
        if recording.label != folder:
            folder = recording.label
            yield f"{TRAIN_FOLDER}/{folder}/", b""
        name = train_name(recording, take)
        if recording.leader != recording.label:
            flaws.append(Flaw(clip_id("irmas", name), "wrong_label", recording.leader))
        yield name, encode_audio(samples, SAMPLE_RATE_HZ, "wav")
        yield from spare.planted(recording, take, name, samples, flaws)


def _testing_members(
    pool: Executor | None,
    clips: Sequence[TestClip],
    part: int,
    activity: dict[str, Mapping[str, tuple[tuple[float, float], ...]]],
    flaws: list[Flaw],
) -> Iterator[Member]:
    top = f"IRMAS-TestingData-Part{part}"
    folder = f"{top}/Part{part}"
    yield f"{top}/", b""
    yield f"{folder}/", b""
    rendered = map_in_order(pool, render_test_clip, clips, f"IRMAS test clips, part {part}")
    for clip, done in zip(clips, rendered, strict=True):
        member = f"{folder}/{clip.name}"
        activity[clip_id("irmas", f"{member}.wav")] = {code: done.activity[code] for code in clip.labels}
        yield f"{member}.txt", "".join(f"{code}\t\n" for code in clip.labels).encode("ascii")
        yield f"{member}.wav", encode_audio(done.samples, SAMPLE_RATE_HZ, "wav")
    if clips and part == 1:
        yield f"{folder}/labels without audio-1.txt", b"pia\t\n"
        flaws.append(Flaw(clip_id("irmas", f"{folder}/labels without audio-1.wav"), "no_audio", "a label file alone"))
    if clips and part == 2:
        noise = generator(clips[0].seed, "irmas", "test", "unlabelled").integers(-3000, 3000, (220_500, 2))
        yield f"{folder}/audio without labels-1.wav", encode_audio(noise.astype(np.int16), SAMPLE_RATE_HZ, "wav")
        flaws.append(Flaw(clip_id("irmas", f"{folder}/audio without labels-1.wav"), "no_labels", "an audio file alone"))
