"""Predictions as people and programs read them: a table, JSON, CSV, Audacity's label tracks, JAMS.

Sources: the label track format of the Audacity manual; Humphrey et al., JAMS (ISMIR 2014), schema 0.3, namespace tag_open.
"""

import csv
import io
import json
from collections.abc import Sequence

from instrumentarium.predicting.result import Prediction
from instrumentarium.tables.taxonomy import CODES, NAMES

BAR = 20
JAMS_VERSION = "0.3.4"
CSV_COLUMNS = ("path", "duration_s", "instrument", "name", "score", "present", "error")


def clock(seconds: float) -> str:
    """Return a moment as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def one_line(name: str) -> str:
    """Return a name on one line, and unable to steer a terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name)


def as_table(prediction: Prediction) -> str:
    """Return one file's lines: instruments by score, those that play with a mark and when they do."""
    if prediction.error is not None or prediction.duration_s is None:
        return f"{one_line(prediction.path)}\n  not recognised: {prediction.error}"
    lines = [f"{one_line(prediction.path)}  ({clock(prediction.duration_s)})"]
    if not prediction.present.any():
        lines.append("  no instrument is recognised")
    for place in (-prediction.scores).argsort(kind="stable"):
        code, score = CODES[place], float(prediction.scores[place])
        mark = "✓" if prediction.present[place] else " "
        times = [
            f"{clock(part.start_s)}–{clock(part.end_s)}" for part in prediction.segments if part.instrument == code
        ]
        bar = "█" * round(score * BAR)
        lines.append(f"  {mark} {NAMES[code]:<16} {code}  {score:.2f} {bar:<{BAR}}  {' '.join(times)}".rstrip())
    return "\n".join(lines)


def as_json(predictions: Sequence[Prediction]) -> str:
    """Return a JSON list."""
    content = [prediction.content() for prediction in predictions]
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)


def as_csv(predictions: Sequence[Prediction]) -> str:
    """Return a row for every file and instrument; for a file that could not be used, one with its error."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for found in predictions:
        if found.error is not None or found.duration_s is None:
            writer.writerow([found.path, "", "", "", "", "", found.error])
            continue
        for code, score, present in zip(CODES, found.scores.tolist(), found.present.tolist(), strict=True):
            writer.writerow(
                [found.path, f"{found.duration_s:.6f}", code, NAMES[code], f"{score:.6f}", str(present).lower(), ""]
            )
    return text.getvalue().removesuffix("\n")


def as_audacity(prediction: Prediction) -> str:
    """Return the timeline as a label track: start, end and name, parted by tabs."""
    return "\n".join(f"{part.start_s:.6f}\t{part.end_s:.6f}\t{NAMES[part.instrument]}" for part in prediction.segments)


def as_jams(prediction: Prediction) -> str:
    """Return the timeline and the recording's instruments as a JAMS document with two annotations."""
    duration_s = prediction.duration_s or 0.0
    whole = [
        _observation(0.0, duration_s, code, score)
        for code, score, present in zip(CODES, prediction.scores.tolist(), prediction.present.tolist(), strict=True)
        if present
    ]
    parts = [
        _observation(part.start_s, part.end_s - part.start_s, part.instrument, part.score)
        for part in prediction.segments
    ]
    document = {
        "file_metadata": {
            "title": prediction.path,
            "artist": "",
            "release": "",
            "duration": round(duration_s, 6),
            "identifiers": {},
            "jams_version": JAMS_VERSION,
        },
        "annotations": [
            _annotation("instruments of the whole recording", duration_s, whole),
            _annotation("timeline of instruments", duration_s, parts),
        ],
        "sandbox": {},
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False, indent=2)


def _observation(start_s: float, duration_s: float, code: str, score: float) -> dict[str, object]:
    return {
        "time": round(start_s, 6),
        "duration": round(duration_s, 6),
        "value": NAMES[code],
        "confidence": round(score, 6),
    }


def _annotation(rules: str, duration_s: float, data: list[dict[str, object]]) -> dict[str, object]:
    return {
        "namespace": "tag_open",
        "time": 0,
        "duration": round(duration_s, 6),
        "data": data,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "",
            "annotation_tools": "instrumentarium",
            "annotation_rules": rules,
            "validation": "",
            "data_source": "program",
        },
        "sandbox": {},
    }
