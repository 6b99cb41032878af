"""Whether soft ends of recordings become instruments, and soft passages keep theirs: prints one line of JSON.

    python benchmarks/quiet_tails.py [--data data] [--model data/model] [--split test] [--quietest-db 150]

The songs are those of the miniature's IRMAS test set that lie in the split. Each is predicted as it is, and once more with
something soft at its end. Levels are in dB, relative to the song's loudest window:

tails        the end of the song in a reverberation of noise that falls by 60 dB in `--reverberation` s, 8 s of it. It
             begins at the song's own level, or so much below.
fades        the last 8 s of the song once more, falling by 80 dB into a noise floor at -65 dB.
noise        8 s of a steady noise floor.
silence      8 s of nothing: what comes of windows that lie elsewhere at the end, as they do in all of the above, too.
pianissimo   another song so much softer, of which the model alone recognises an instrument that the first one has not.

`added` counts the songs in which an instrument is present that neither the song by itself has, nor (fades) the same music
at its full level; `removed` those in which one is gone. `kept` counts the instruments of the second song alone that are
present in both together, `of` how many there are. `without_span` counts instruments that are present without a stretch in
the timeline, in all that was predicted.

`quietest_db` has all this for the model's own limit (`own`), from which on below the loudest window a window does not
count, and for others in its place, without another training: at 150 every window counts that is not silent.
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
FLOOR_DB, FALL_DB = -65.0, -80.0
EVERY_WINDOW_DB = 150.0


def gain(level_db: float) -> float:
    """Return the factor of so many decibels."""
    return float(10 ** (level_db / 20))


def falling(samples: int) -> Sound:
    """Return the course of a fade, in proportion to the decibels."""
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
    """A model's windows of songs, and what it recognises in them under each limit.

    Args:
        audio2timeline: the model with its thresholds.
        limits_db: from where on below the loudest window a window does not count, by name.
    """

    def __init__(self, audio2timeline: Audio2Timeline, limits_db: dict[str, float]) -> None:
        self.audio2timeline, self.limits_db, self.without_span = audio2timeline, limits_db, Counter[str]()
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
        """Return the codes of the instruments that are present, by limit."""
        scores, found = self.scores(sound), dict[str, set[str]]()
        for limit, limit_db in self.limits_db.items():
            prediction = self.audio2timeline.decide(dataclasses.replace(scores, quietest_db=limit_db), "")
            codes = prediction.taxonomy.codes
            found[limit] = {code for code, plays in zip(codes, prediction.present, strict=True) if plays}
            spans = {part.instrument for part in prediction.segments}
            self.without_span[limit] += len(found[limit] - spans)
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
    yield "silence", "0", np.concatenate([song, np.zeros(samples)]), song
    for level_db in NOISE_DB:
        yield "noise", f"{level_db:g}", np.concatenate([song, gain(level_db) * floor]), song


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the counts."""
    model = options.model or options.data / "model"
    audio2timeline = load_ladder(model, None).audio2timeline
    own_db = audio2timeline.samples2scores.windowing.quietest_db
    limits = {"own": own_db, **{f"{limit_db:g}": limit_db for limit_db in options.quietest_db}}
    songs = Songs(audio2timeline, limits)
    collection = audio2timeline.samples2scores.windows2scores.card.trained.collection
    sounds = [samples.astype(np.float64) for samples, _, _ in songs_of(options.data, collection, options.split)]
    if len(sounds) < 2:
        raise UserError(f"{options.data} has {len(sounds)} IRMAS test songs in {options.split}; run `dvc repro split`")
    rng = np.random.default_rng(options.seed)
    found: dict[str, dict[str, dict[str, Counter[str]]]] = {limit: {} for limit in limits}
    alone = [songs.present(song) for song in sounds]

    def count(kind: str, level: str, limit: str, **counts: int) -> None:
        found[limit].setdefault(kind, {}).setdefault(level, Counter()).update(counts)

    for song, itself in zip(sounds, alone, strict=True):
        for kind, level, whole, full in endings(song, songs, options.reverberation, rng):
            there, expected = songs.present(whole), itself if full is song else songs.present(full)
            for limit in limits:
                added, removed = there[limit] - expected[limit] - itself[limit], itself[limit] - there[limit]
                count(kind, level, limit, songs=1, added=bool(added), removed=bool(removed))
    for number, (song, itself) in enumerate(zip(sounds, alone, strict=True)):
        other = (number + 1) % len(sounds)
        soft = sounds[other] * (songs.loudest(song) / max(songs.loudest(sounds[other]), 1e-9))
        for level_db in PIANISSIMO_DB:
            there = songs.present(np.concatenate([song, gain(level_db) * soft]))
            for limit in limits:
                wanted = alone[other][limit] - itself[limit]
                count("pianissimo", f"{level_db:g}", limit, of=len(wanted), kept=len(wanted & there[limit]))
    return {
        "split": options.split,
        "songs": len(sounds),
        "duration_s": round(sum(map(len, sounds)) / songs.rate_hz, 1),
        "own_quietest_db": own_db,
        "quietest_db": {limit: {**found[limit], "without_span": songs.without_span[limit]} for limit in limits},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="the pipeline's data folder")
    parser.add_argument("--model", type=Path, default=None, help="by default the model in the data folder")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--reverberation", type=float, default=4.0, help="time in s in which it falls by 60 dB")
    parser.add_argument(
        "--quietest-db", type=float, nargs="*", default=[EVERY_WINDOW_DB], help="other limits to compare with"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    try:
        print(json.dumps(measure(parser.parse_args())))
    except (UserError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
