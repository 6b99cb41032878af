"""Rows as the stages write them for their plots, of any instruments, few and made up; and a taxonomy of twenty."""

import math
from collections.abc import Sequence

from instrumentarium.drawing.colours import colours_of
from instrumentarium.tables.schemas import PITCH_CLASSES
from instrumentarium.tables.taxonomy import taxonomy_of

OPENMIC20 = taxonomy_of(
    (
        *(
            "accordion",
            "banjo",
            "bass",
            "cello",
            "clarinet",
            "cymbals",
            "drums",
            "flute",
            "guitar",
            "mallet_percussion",
        ),
        *(
            "mandolin",
            "organ",
            "piano",
            "saxophone",
            "synthesizer",
            "trombone",
            "trumpet",
            "ukulele",
            "violin",
            "voice",
        ),
    ),
    {"mallet_percussion": "mallet percussion"},
    "openmic20",
)
DESCRIPTORS = ("centroid_hz", "rms", "contrast_0")
SPLITS = ("train", "validation", "test")
Row = dict[str, object]


def rows_of(plot: str, codes: Sequence[str], seed: int = 0) -> list[Row]:
    """Return the rows of plots/<plot>.json.

    Args:
        plot: <stage>/<name>.
        codes: of the instruments, in taxonomy order.
        seed: another one gives other values.
    """
    return {
        "descriptors/variance": lambda: [
            {"descriptor": name, "family": name, "deviation": 1.5, "share": 0.25 * place}
            for place, name in enumerate(DESCRIPTORS, 1)
        ],
        "descriptors/correlation": lambda: [
            {"descriptor": a, "with": b, "correlation": 1.0 if a == b else -0.5}
            for a in DESCRIPTORS
            for b in DESCRIPTORS
        ],
        "evaluate/roc": lambda: _curve(codes, "fpr", "tpr", "auroc", seed),
        "evaluate/precision_recall": lambda: _curve(codes, "recall", "precision", "ap", seed),
        "evaluate/confusion": lambda: _pairs([*codes, "none"], "actual", "predicted"),
        "evaluate/confusion_counts": lambda: _pairs([*codes, "none"], "actual", "predicted"),
        "evaluate/confusion_per_instrument": lambda: [
            {"instrument": code, "actual": actual, "predicted": predicted, "count": place, "share": 0.25}
            for place, code in enumerate(codes)
            for actual in ("present", "absent")
            for predicted in ("yes", "no")
        ],
        "evaluate/per_instrument": lambda: [
            {
                "instrument": name,
                **{f"{m}{end}": _share(place + seed, d) for m in ("f1", "ap", "auroc") for end, d in ENDS.items()},
                "positives": 3,
                "songs": 2,
            }
            for place, name in enumerate((*codes, "macro"))
        ],
        "evaluate/scores": lambda: [
            {"instrument": code, "truth": truth, "score": (k + 0.5) / 4, "share": 0.25, "count": k}
            for code in codes
            for truth in ("present", "absent")
            for k in range(4)
        ],
        "evaluate/reliability": lambda: [
            {"instrument": name, "mean_score": x, "share": x / 2, "count": 9, "low": x / 4, "high": x}
            for name in (*codes, "all")
            for x in (0.2, 0.6)
        ],
        "evaluate/thresholds": lambda: [
            {"instrument": name, "threshold": x, "f1": x, "precision": 1 - x, "recall": x / 2, "chosen": x == 0.5}
            for name in (*codes, "macro")
            for x in (0.0, 0.5, 1.0)
        ],
        "train/loss": lambda: [
            {"epoch": epoch, "part": part, "loss": math.exp(-epoch) + seed} for epoch in (1, 2) for part in SPLITS[:2]
        ],
        "train/map_macro": lambda: [{"epoch": epoch, "map_macro": epoch / 3} for epoch in (1, 2)],
        "split/prevalence": lambda: [
            {"instrument": code, "split": split, "clips": 3, "prevalence": _share(place)}
            for split in SPLITS
            for place, code in enumerate(codes)
        ],
        "split/cooccurrence": lambda: _pairs(codes, "instrument", "with"),
        "split/labels_per_clip": lambda: _bars("labels"),
        "split/durations": lambda: _bars("duration_s"),
        "keys/keys": lambda: [
            {"instrument": name, "key": key, "mode": mode, "recordings": 1 + place + seed}
            for name in ("all", *codes)
            for place, key in enumerate(PITCH_CLASSES)
            for mode in ("major", "minor")
        ],
        "keys/tempos": lambda: [
            {"instrument": name, "tempo_bpm": tempo, "to_bpm": tempo + 10, "recordings": 1 + tempo % 4 + seed}
            for name in ("all", *codes)
            for tempo in (80, 90, 130)
        ],
        "split/loudness": lambda: _bars("level_db"),
        "split/drums": lambda: [
            {"instrument": code, "drum_track": word, "clips": 2, "share": 1 / 3}
            for code in codes
            for word in ("with drums", "without drums", "not stated")
        ],
        "split/genres": lambda: [
            {"instrument": code, "genre": genre, "count": 2, "share": 0.5}
            for code in codes
            for genre in ("cla", "pop_roc")
        ],
        "explain/embedding": lambda: [
            {
                "clip_id": f"irmas/{clip}",
                "corpus": ("irmas", "openmic", "esc50", "own")[clip % 4],
                "genre": "",
                "instrument": word,
                "colour": colours_of(codes).get(word, "#C4C4C4"),
                **{axis: math.sin(clip * (n + 1) + seed) for n, axis in enumerate(AXES)},
            }
            for clip, word in enumerate(("several", *reversed(codes), "none", "unknown"))
        ],
    }[plot]()


ENDS = {"": 0.0, "_low": -0.1, "_high": 0.1}
AXES = ("pca_1", "pca_2", "tsne_1", "tsne_2")


def _share(place: int, more: float = 0.0) -> float:
    return 0.5 + 0.3 * math.sin(place) + more


def _curve(codes: Sequence[str], x: str, y: str, area: str, seed: int) -> list[Row]:
    empty = [{"instrument": codes[-1], x: None, y: None, area: None}]  # no test clip has it
    drawn = [
        {"instrument": name, x: at, y: min(1.0, at * (1 + place + seed)), area: 1 / (2 + place + seed)}
        for place, name in enumerate((*codes[:-1], "micro", "macro"))
        for at in (0.0, 0.4, 1.0)
    ]
    split = 3 * (len(codes) - 1)
    return drawn[:split] + empty + drawn[split:]


def _pairs(names: Sequence[str], row: str, column: str) -> list[Row]:
    return [
        {row: a, column: b, "count": i + j / 2, "share": None if i == 0 else 1 / (i + j)}
        for i, a in enumerate(names)
        for j, b in enumerate(names)
    ]


def _bars(column: str) -> list[Row]:
    return [{column: value, "split": split, "share": 0.5, "clips": 3} for value in (1, 2) for split in SPLITS]
