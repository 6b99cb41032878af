"""Whether soft ends of recordings become instruments, and soft passages keep theirs: prints one line of JSON.

    python benchmarks/quiet_tails.py [--data data] [--model data/model] [--split test]

The songs are those of the miniature's IRMAS test set that lie in the split. Each is predicted as it is, and once more with
something soft at its end. Levels are in dB, relative to the song's loudest window:

tails        the end of the song in a reverberation of noise that falls by 60 dB in `--reverberation` s, 8 s of it. It
             begins at the song's own level, or so much below.
fades        the last 8 s of the song once more, falling by 60 dB to a noise floor at -65 dB.
noise        8 s of a steady noise floor.
pianissimo   another song so much softer, of which the model alone recognises an instrument that the first one has not.

For the first three, `added` counts the songs in which an instrument is present that neither the song by itself has, nor the
same music at its full level (fades); `removed` those in which one is gone. For pianissimo `kept` counts the instruments
of the second song alone that are present in both together; `of` is how many there are. `without_span` counts instruments
that are present without a stretch in the timeline, in all that was predicted.

`every_window` is the same with every window counting that is not silent, whatever its level: what the rule of soft
windows (`quietest_db`) is to be compared with.
"""

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve
from timeline_score import songs_of

from instrumentarium.clips.levels import levels_db
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.ladder import Audio2Timeline
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.windowscores import WindowScores
from instrumentarium.runtime.errors import UserError

Sound = npt.NDArray[np.float64]
LAST_S = 8.0
TAILS_DB = (0.0, -20.0, -40.0)
NOISE_DB = (-30.0, -40.0, -50.0, -60.0)
PIANISSIMO_DB = (-15.0, -25.0, -30.0, -35.0, -45.0)
FLOOR_DB, FALL_DB = -65.0, -60.0
EVERY_WINDOW_DB = 150.0
RULES = ("as_predict", "every_window")


def gain(level_db: float) -> float:
    """Return the factor of so many decibels."""
    return float(10 ** (level_db / 20))


def falling(samples: int) -> Sound:
    """Return the course of a fall by 60 dB, in proportion to the decibels."""
    return np.asarray(10 ** (np.linspace(0.0, FALL_DB, samples) / 20))


def at_level(sound: Sound, rms: float) -> Sound:
    """Return a sound of which the first quarter of a second's share has the level `rms`."""
    begin = sound[: max(1, len(sound) // 32)]
    return sound * (rms / max(float(np.sqrt(np.mean(begin**2))), 1e-9))


def reverberation(song: Sound, rate_hz: int, seconds: float, rng: np.random.Generator) -> Sound:
    """Return what follows the last two seconds of a song in a room of exponentially decaying noise, LAST_S long."""
    decay = 10 ** (-3 * np.arange(round(LAST_S * rate_hz)) / (seconds * rate_hz))
    end = song[-2 * rate_hz :]
    return np.asarray(fftconvolve(end, decay * rng.standard_normal(len(decay)))[len(end) :][: len(decay)])


class Songs:
    """A model's windows of songs, and what it recognises in them by either rule.

    Args:
        audio2timeline: the model with its thresholds.
    """

    def __init__(self, audio2timeline: Audio2Timeline) -> None:
        self.audio2timeline, self.without_span = audio2timeline, Counter[str]()
        self.rate_hz = audio2timeline.samples2scores.sample_rate_hz
        self.length = audio2timeline.samples2scores.windowing.length_samples

    def scores(self, sound: Sound) -> WindowScores:
        """Return the scores of the windows of a sound, in steps of 16 bits."""
        samples = np.clip(np.rint(sound), -32767, 32767).astype(np.int16)
        return self.audio2timeline.samples2scores(SampleStream.of_array(samples, self.rate_hz, self.rate_hz))

    def loudest(self, sound: Sound) -> float:
        """Return the root mean square of the loudest window."""
        whole = max(1, len(sound) // self.length)
        windows = np.resize(sound, (whole, min(self.length, len(sound))))
        return 32767 * gain(float(levels_db(np.rint(windows).astype(np.int16)).max()))

    def present(self, sound: Sound) -> dict[str, set[str]]:
        """Return the codes of the instruments that are present, by rule."""
        scores, found = self.scores(sound), dict[str, set[str]]()
        for rule, limit_db in zip(RULES, (scores.quietest_db, EVERY_WINDOW_DB), strict=True):
            prediction = self.audio2timeline.decide(dataclasses.replace(scores, quietest_db=limit_db), "")
            codes = prediction.taxonomy.codes
            found[rule] = {code for code, plays in zip(codes, prediction.present, strict=True) if plays}
            spans = {part.instrument for part in prediction.segments}
            self.without_span[rule] += len(found[rule] - spans)
        return found


def endings(
    song: Sound, songs: Songs, seconds: float, rng: np.random.Generator
) -> Iterator[tuple[str, str, Sound, Sound]]:
    """Yield kind and level of each ending, the song with it, and what it is compared with."""
    loudest, samples = songs.loudest(song), round(LAST_S * songs.rate_hz)
    tail = reverberation(song, songs.rate_hz, seconds, rng)
    for level_db in TAILS_DB:
        yield "tails", f"{level_db:g}", np.concatenate([song, at_level(tail, loudest * gain(level_db))]), song
    last, floor = song[-samples:], rng.standard_normal(samples) * loudest
    faded = last * falling(len(last)) + gain(FLOOR_DB) * floor[: len(last)]
    yield "fades", "0", np.concatenate([song, faded]), np.concatenate([song, last])
    for level_db in NOISE_DB:
        yield "noise", f"{level_db:g}", np.concatenate([song, gain(level_db) * floor]), song


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the counts."""
    model = options.model or options.data / "model"
    audio2timeline = load_ladder(model, None).audio2timeline
    songs = Songs(audio2timeline)
    collection = audio2timeline.samples2scores.windows2scores.card.trained.collection
    sounds = [samples.astype(np.float64) for samples, _, _ in songs_of(options.data, collection, options.split)]
    if len(sounds) < 2:
        raise UserError(f"{options.data} has {len(sounds)} IRMAS test songs in {options.split}; run `dvc repro split`")
    rng = np.random.default_rng(options.seed)
    found: dict[str, dict[str, dict[str, Counter[str]]]] = {rule: {} for rule in RULES}
    alone = [songs.present(song) for song in sounds]

    def count(kind: str, level: str, rule: str, **counts: int) -> None:
        found[rule].setdefault(kind, {}).setdefault(level, Counter()).update(counts)

    for song, itself in zip(sounds, alone, strict=True):
        for kind, level, whole, full in endings(song, songs, options.reverberation, rng):
            there, expected = songs.present(whole), itself if full is song else songs.present(full)
            for rule in RULES:
                added, removed = there[rule] - expected[rule] - itself[rule], itself[rule] - there[rule]
                count(kind, level, rule, songs=1, added=bool(added), removed=bool(removed))
    for number, (song, itself) in enumerate(zip(sounds, alone, strict=True)):
        other = (number + 1) % len(sounds)
        soft = sounds[other] * (songs.loudest(song) / max(songs.loudest(sounds[other]), 1e-9))
        for level_db in PIANISSIMO_DB:
            there = songs.present(np.concatenate([song, gain(level_db) * soft]))
            for rule in RULES:
                wanted = alone[other][rule] - itself[rule]
                count("pianissimo", f"{level_db:g}", rule, of=len(wanted), kept=len(wanted & there[rule]))
    return {
        "split": options.split,
        "songs": len(sounds),
        "duration_s": round(sum(map(len, sounds)) / songs.rate_hz, 1),
        "quietest_db": audio2timeline.samples2scores.windowing.quietest_db,
        **{rule: {**found[rule], "without_span": songs.without_span[rule]} for rule in RULES},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="the pipeline's data folder")
    parser.add_argument("--model", type=Path, default=None, help="by default the model in the data folder")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--reverberation", type=float, default=4.0, help="time in s in which it falls by 60 dB")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    try:
        print(json.dumps(measure(parser.parse_args())))
    except (UserError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
