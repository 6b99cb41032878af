"""Predictions as people and programs read them: a table, JSON, CSV, Audacity's label tracks, JAMS.

Sources: the label track format of the Audacity manual; Humphrey et al., JAMS (ISMIR 2014), schema 0.3, namespace tag_open.
"""

import csv
import io
import json
from collections.abc import Sequence

from instrumentarium.predicting.choices import Format
from instrumentarium.predicting.prediction import Prediction

BAR = 20
JAMS_VERSION = "0.3.4"
FORMULA = tuple("=+-@\t\r")
"""What a cell begins with that spreadsheets would compute, not show."""
CSV_COLUMNS = ("path", "duration_s", "instrument", "name", "score", "present", "note", "error")


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
    if prediction.note is not None:
        lines.append(f"  {prediction.note}")
    elif not prediction.present.any():
        lines.append("  no instrument is recognised")
    instruments = prediction.taxonomy.instruments
    name_width = max(16, *(len(instrument.name) for instrument in instruments))
    code_width = max(len(instrument.code) for instrument in instruments)
    for place in (-prediction.scores).argsort(kind="stable"):
        code, name, score = instruments[place].code, instruments[place].name, float(prediction.scores[place])
        mark = "✓" if prediction.present[place] else " "
        times = [
            f"{clock(part.start_s)}–{clock(part.end_s)}" for part in prediction.segments if part.instrument == code
        ]
        bar = "█" * round(score * BAR)
        label = f"{name:<{name_width}} {code:<{code_width}}"
        lines.append(f"  {mark} {label}  {score:.2f} {bar:<{BAR}}  {' '.join(times)}".rstrip())
    return "\n".join(lines)


def as_json(predictions: Sequence[Prediction]) -> str:
    """Return a JSON list."""
    content = [prediction.content() for prediction in predictions]
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)


def as_cell(name: str) -> str:
    """Return a name as a cell that no spreadsheet takes for a formula: with a quote before it where it would.

    A lone "-", which is standard input, is none.
    """
    return f"'{name}" if name.startswith(FORMULA) and name != "-" else name


def as_csv(predictions: Sequence[Prediction]) -> str:
    """Return a row for every file and instrument; for a file that could not be used, one with its error."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for found in predictions:
        if found.error is not None or found.duration_s is None:
            writer.writerow([as_cell(found.path), "", "", "", "", "", "", as_cell(found.error or "")])
            continue
        rows = zip(found.taxonomy.instruments, found.scores.tolist(), found.present.tolist(), strict=True)
        for instrument, score, present in rows:
            said = [instrument.code, as_cell(instrument.name), f"{score:.6f}", str(present).lower(), found.note, ""]
            writer.writerow([as_cell(found.path), f"{found.duration_s:.6f}", *said])
    return text.getvalue().removesuffix("\n")


def as_audacity(prediction: Prediction) -> str:
    """Return the timeline as a label track: start, end and name, parted by tabs."""
    names = prediction.taxonomy.names
    return "\n".join(f"{part.start_s:.6f}\t{part.end_s:.6f}\t{names[part.instrument]}" for part in prediction.segments)


def as_jams(prediction: Prediction) -> str:
    """Return the timeline and the recording's instruments as a JAMS document with two annotations."""
    duration_s, names = prediction.duration_s or 0.0, prediction.taxonomy.names
    whole = [
        _observation(0.0, duration_s, names[code], score)
        for code, score, present in zip(
            prediction.taxonomy.codes, prediction.scores.tolist(), prediction.present.tolist(), strict=True
        )
        if present
    ]
    parts = [
        _observation(part.start_s, part.end_s - part.start_s, names[part.instrument], part.score)
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
        "sandbox": {} if prediction.note is None else {"note": prediction.note},
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False, indent=2)


def as_text(predictions: Sequence[Prediction], format_: Format) -> str:
    """Return predictions in one of the formats that are written as a whole; for one recording where it holds one."""
    match format_:
        case Format.JSON:
            return as_json(predictions)
        case Format.CSV:
            return as_csv(predictions)
        case Format.AUDACITY:
            return as_audacity(predictions[0])
        case Format.JAMS:
            return as_jams(predictions[0])
        case _:
            return "\n".join(as_table(prediction) for prediction in predictions)


def _observation(start_s: float, duration_s: float, name: str, score: float) -> dict[str, object]:
    return {
        "time": round(start_s, 6),
        "duration": round(duration_s, 6),
        "value": name,
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
