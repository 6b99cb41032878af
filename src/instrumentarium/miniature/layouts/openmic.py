"""A miniature OpenMIC-2018: one tgz with Vorbis clips, crowd-like ternary labels, metadata and an artist-disjoint split.

Layout: Humphrey, Durand & McFee, "OpenMIC-2018: An open data-set for multiple instrument recognition", ISMIR 2018;
Zenodo record 1432913. The published tensors (`openmic-2018.npz`, `vggish/`) are left out.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample

from instrumentarium.miniature.layouts.archives import LOSSLESS_COUPLING, Member, encode_audio, write_tgz
from instrumentarium.miniature.layouts.codes import CODES
from instrumentarium.miniature.layouts.shared import LINEUP, shared_recording
from instrumentarium.miniature.layouts.titles import ARTISTS, SUBJECTS
from instrumentarium.miniature.layouts.truth import Flaw, clip_id, write_flaws, write_lineups
from instrumentarium.miniature.music.composition import CRASH, OPEN, PEDAL, RIDE
from instrumentarium.miniature.music.harmony import GENRES
from instrumentarium.miniature.music.instruments import draw_player
from instrumentarium.miniature.music.performance import draw_piece, perform
from instrumentarium.miniature.synthesis.randomness import between, choose, generator, happens
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts
from instrumentarium.runtime.workers import map_in_order, worker_pool

TOP = "openmic-2018"
CLASSES = (
    "accordion", "banjo", "bass", "cello", "clarinet", "cymbals", "drums", "flute", "guitar", "mallet_percussion",
    "mandolin", "organ", "piano", "saxophone", "synthesizer", "trombone", "trumpet", "ukulele", "violin", "voice",
)  # fmt: skip
CLASS_OF = {
    "cel": "cello", "cla": "clarinet", "flu": "flute", "gac": "guitar", "gel": "guitar", "org": "organ",
    "pia": "piano", "sax": "saxophone", "tru": "trumpet", "vio": "violin", "voi": "voice",
}  # fmt: skip
OTHERS = ("bass", "drums", "synthesizer", "mallet_percussion", "accordion", "banjo", "trombone")
RARE = {"accordion": 0.06, "banjo": 0.03, "mandolin": 0.13, "ukulele": 0.2}
"""How often one joins a line-up besides, so that every class trains, validates and tests; cymbals come with drums."""
FORMATS = ((44_100, 2), (44_100, 1), (44_100, 1), (48_000, 1), (48_000, 2), (32_000, 1), (22_050, 1), (32_000, 2))
SECONDS = 10
METADATA = (
    "sample_key", "start_time", "track_id", "album_id", "album_title", "album_url", "artist_id", "artist_name",
    "artist_url", "artist_website", "license_image_file", "license_image_file_large", "license_parent_id",
    "license_title", "license_url", "tags", "track_bit_rate", "track_comments", "track_composer", "track_copyright_c",
    "track_copyright_p", "track_date_created", "track_date_recorded", "track_disc_number", "track_duration",
    "track_explicit", "track_explicit_notes", "track_favorites", "track_file", "track_genres", "track_image_file",
    "track_information", "track_instrumental", "track_interest", "track_language_code", "track_listens",
    "track_lyricist", "track_number", "track_publisher", "track_title", "track_url",
)  # fmt: skip
LICENCES = (
    ("Attribution", "http://creativecommons.org/licenses/by/4.0/"),
    ("Attribution-ShareAlike", "http://creativecommons.org/licenses/by-sa/3.0/"),
    ("Attribution-NonCommercial", "http://creativecommons.org/licenses/by-nc/4.0/"),
    ("Attribution-NonCommercial-ShareAlike 3.0 International", "http://creativecommons.org/licenses/by-nc-sa/3.0/"),
)


@dataclass(frozen=True)
class Excerpt:
    """One clip: its key `<track>_<offset>`, its artist, who plays, how it is coded, whether IRMAS has the recording too."""

    key: str
    artist: int
    lineup: tuple[str, ...]
    sample_rate_hz: int
    channels: int
    seed: int
    shared: bool = False
    fonts: Fonts = SHIPPED

    @property
    def member(self) -> str:
        """Its place in the archive."""
        return f"{TOP}/audio/{self.key[:3]}/{self.key}.ogg"


@dataclass(frozen=True)
class Judgement:
    """The crowd's aggregated answer on one clip and class."""

    key: str
    label: str
    relevance: float
    responses: int


def render(folder: Path, truth_path: Path, *, seed: int, clips: int, soundfonts: Fonts = SHIPPED) -> None:
    """Render the tgz into `folder`, and its planted flaws, an unreadable and a shared clip, to `truth_path`.

    Args:
        folder: an existing folder.
        truth_path: CSV of planted flaws; `<stem>-instruments.csv` beside it says who plays, also what labels don't part.
        seed: of everything drawn.
        clips: how many, of 10 s, no two of one recording.
        soundfonts: from which each recording's instruments are drawn.

    Raises:
        ValueError: if `clips` is not positive.
    """
    if clips < 1:
        raise ValueError(f"clips must be positive, found {clips}")
    excerpts = plan(seed, clips, soundfonts)
    others = [excerpt for excerpt in excerpts if not excerpt.shared]
    broken = choose(generator(seed, "openmic", "flaws"), others) if clips > 9 else None
    flaws = [] if broken is None else [Flaw(clip_id("openmic", broken.member), "unreadable", "cut off")]
    flaws += [
        Flaw(clip_id("openmic", excerpt.member), "shared", "12 dB quieter than what IRMAS has of it")
        for excerpt in excerpts
        if excerpt.shared
    ]
    with worker_pool("processes") as pool:
        write_tgz(folder / "openmic-2018-v1.0.0.tgz", _members(pool, excerpts, broken))
    write_flaws(truth_path, flaws)
    write_lineups(truth_path, {clip_id("openmic", excerpt.member): excerpt.lineup for excerpt in excerpts})


def plan(seed: int, clips: int, fonts: Fonts = SHIPPED) -> list[Excerpt]:
    """The clips in the order of their keys; the taxonomy's instruments are dealt from shuffled decks.

    Of ten or more clips, one of the official test part is cut from the recording that IRMAS has too.
    """
    random = generator(seed, "openmic", "plan")
    deck: list[str] = []
    tracks = sorted(int(number) for number in random.permutation(155_000)[:clips])
    excerpts = []
    for track in tracks:
        wanted = 1 + happens(random, 0.4)
        lineup: list[str] = []
        while len(lineup) < wanted:
            deck = deck or [CODES[int(index)] for index in random.permutation(len(CODES))]
            code = deck.pop()
            if code not in lineup:
                lineup.append(code)
        lineup += [name for name in OTHERS if happens(random, 0.35 if name in ("bass", "drums") else 0.12)]
        rate, channels = choose(random, FORMATS)
        key = f"{track:06d}_{3840 * int(random.integers(0, 60))}"
        more = generator(seed, "openmic", "rare", key)
        lineup += [name for name, share in RARE.items() if happens(more, share) and name not in lineup]
        excerpts.append(
            Excerpt(key, int(random.integers(max(2, clips // 3))), tuple(lineup), rate, channels, seed, fonts=fonts)
        )
    if clips > 9:
        shared = min(range(clips), key=lambda index: (not _is_test(excerpts[index]), index))
        excerpts[shared] = replace(excerpts[shared], lineup=LINEUP, shared=True)
    return excerpts


def _is_test(excerpt: Excerpt) -> bool:
    """Whether the clip's artist is of the official test part."""
    return excerpt.artist % 4 == 0


def render_clip(excerpt: Excerpt) -> tuple[bytes, frozenset[str]]:
    """The ogg file of one clip, and the classes that sound in it."""
    if excerpt.shared:
        quieter = np.round(shared_recording(excerpt.seed, excerpt.fonts) * 0.25).astype(np.int16)
        mono = np.round(quieter.mean(axis=1)).astype(np.int16)
        return _coded(quieter if excerpt.channels == 2 else mono, excerpt), _sounding(excerpt)
    random = generator(excerpt.seed, "openmic", "clip", excerpt.key)
    players = [
        draw_player(random, name, level_db=-between(random, 0.0, 5.0) - 5.0 * (name not in CODES))
        for name in excerpt.lineup
    ]
    piece = draw_piece(random, choose(random, GENRES), players, excerpt.fonts)
    clip = perform(random, piece, samples=SECONDS * SAMPLE_RATE_HZ, channels=excerpt.channels)
    cymbals = {"cymbals"} if {CRASH, OPEN, PEDAL, RIDE} & clip.drum_keys else set()
    return _coded(clip.samples, excerpt), _sounding(excerpt) | cymbals


def _coded(samples: NDArray[np.int16], excerpt: Excerpt) -> bytes:
    """The ogg file of samples at SAMPLE_RATE_HZ."""
    if excerpt.sample_rate_hz != SAMPLE_RATE_HZ:
        moved = resample(samples.astype(np.float64), SECONDS * excerpt.sample_rate_hz, axis=0)
        samples = np.clip(np.round(moved), -32768, 32767).astype(np.int16)
    return encode_audio(samples, excerpt.sample_rate_hz, "ogg", LOSSLESS_COUPLING)


def _sounding(excerpt: Excerpt) -> frozenset[str]:
    """The classes of the clip's line-up."""
    return frozenset(CLASS_OF.get(name, name) for name in excerpt.lineup)


def judge(excerpt: Excerpt, sounding: frozenset[str]) -> list[Judgement]:
    """What a crowd that was asked about a few classes answered: most of what sounds, and some of what does not."""
    random = generator(excerpt.seed, "openmic", "labels", excerpt.key)
    judgements = []
    for label in CLASSES:
        present = label in sounding
        if happens(random, 0.7 if present else 0.09):
            doubt = float(random.beta(1.0, 4.0)) * 0.47
            relevance = 1.0 - doubt if present else doubt
            judgements.append(Judgement(excerpt.key, label, round(relevance, 5), int(random.integers(3, 7))))
    if not judgements:
        label = min(sounding)
        judgements.append(Judgement(excerpt.key, label, 0.83333, 3))
    return judgements


def _members(pool: Executor | None, excerpts: Sequence[Excerpt], broken: Excerpt | None) -> Iterator[Member]:
    done = map_in_order(pool, render_clip, excerpts, "OpenMIC clips")
    audio, judgements = [], []
    for excerpt, (ogg, sounding) in zip(excerpts, done, strict=True):
        audio.append((excerpt.member, ogg if excerpt is not broken else ogg[:40]))
        judgements += judge(excerpt, sounding)
    yield f"{TOP}/", b""
    yield f"{TOP}/class-map.json", json.dumps({label: index for index, label in enumerate(CLASSES)}).encode("ascii")
    rows = [(j.key, j.label, f"{j.relevance:.5f}", str(j.responses)) for j in judgements]
    yield (
        f"{TOP}/openmic-2018-aggregated-labels.csv",
        _csv([("sample_key", "instrument", "relevance", "num_responses"), *rows]),
    )
    yield f"{TOP}/openmic-2018-metadata.csv", _csv([METADATA, *(_metadata(excerpt) for excerpt in excerpts)])
    yield f"{TOP}/partitions/", b""
    for name, inside in (("train", False), ("test", True)):
        keys = [(excerpt.key,) for excerpt in excerpts if _is_test(excerpt) == inside]
        yield f"{TOP}/partitions/split01_{name}.csv", _csv(keys)
    yield f"{TOP}/audio/", b""
    folder = ""
    for member, content in audio:
        if (parent := member.rsplit("/", 1)[0]) != folder:
            folder = parent
            yield f"{folder}/", b""
        yield member, content


def _metadata(excerpt: Excerpt) -> tuple[str, ...]:
    random = generator(excerpt.seed, "openmic", "metadata", excerpt.key)
    track, offset = excerpt.key.split("_")
    licence, url = choose(random, LICENCES)
    genre = choose(random, ("Folk", "Jazz", "Rock", "Classical", "Electronic"))
    known = {
        "sample_key": excerpt.key,
        "start_time": f"{int(offset) / 3840:.1f}",
        "track_id": str(int(track)),
        "artist_id": str(1000 + excerpt.artist),
        "artist_name": f"{ARTISTS[excerpt.artist % len(ARTISTS)]} {excerpt.artist}",
        "license_title": licence,
        "license_url": url,
        "track_bit_rate": "256000",
        "track_duration": f"0{int(random.integers(2, 6))}:{int(random.integers(10, 60))}",
        "track_genres": str([{"genre_id": "17", "genre_title": genre, "genre_url": ""}]),
        "track_number": str(int(random.integers(1, 15))),
        "track_title": choose(random, SUBJECTS),
    }
    return tuple(known.get(column, "") for column in METADATA)


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")
