"""The report as one HTML file: pictures inside it, nothing fetched, nothing that changes from run to run."""

import base64
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS
from instrumentarium.reporting.rows import ReportInputError

TEMPLATE = "report.html.jinja"

HEADLINE = {metric.key: metric.title for metric in catalogue.METRICS}
"""The metrics of the first table, and what they are called."""
SHOWN = (
    *("interval", "rules", "rule", "thresholds_from", "oracle", "per_instrument", "negatives", "calibration"),
    *("clips", "recordings", "per_corpus", "by_labels", "by_genre"),
)
"""What else the page shows of a split."""
BRIEFLY = {key: catalogue.LABELS[key] for key in catalogue.BRIEF}
"""The metrics of each part, and of each system."""
PARTS = {"corpus": "per_corpus", "instruments known to play": "by_labels", "genre": "by_genre"}


def render(content: Mapping[str, object], names: Mapping[str, str]) -> str:
    """Return the page; every text in `content` is escaped, codes of instruments are shown by `names`."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "interval": interval,
        "p_value": p_value,
        "duration": duration,
        "data_uri": data_uri,
        "instrument": lambda code: names.get(code, code),
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "shell": shlex.quote,
        "breakable": breakable,
        "with_code": with_code,
        "words": lambda text: str(text).replace("_", " "),
    }
    return environment.get_template(TEMPLATE).render(content)


def breakable(text: object) -> Markup:
    """Return text as HTML that a line may break in behind each dot and underscore, where names are put together."""
    return Markup(re.sub(r"([._])(?=[A-Za-z])", r"\1<wbr>", str(escape(text))))


def with_code(text: str) -> Markup:
    """Return text as HTML, what stands between backticks as code."""
    parts = [str(escape(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a single backtick is only that
        return escape(text)
    return Markup("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))


def number(value: object) -> str:
    """Say a metric with three decimals, a count as it is, an undefined one with a dash."""
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def interval(ends: Any) -> str:
    """Say the ends of an interval, or nothing if there is none."""
    if not isinstance(ends, Mapping) or ends.get("low") is None or ends.get("high") is None:
        return ""
    return f"{ends['low']:.2f} to {ends['high']:.2f}"


def p_value(p: float | None) -> str:
    """Say a p to three decimals, to four where it is small, an undefined one with a dash."""
    if p is None:
        return "–"
    return f"{p:.3f}" if p >= 0.01 else f"{p:.4f}"


def duration(seconds: float) -> str:
    """Say a duration in seconds as hours, minutes and seconds."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def data_uri(png: bytes) -> str:
    """Return a PNG as the address of an image that needs no other file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def metrics_of(evaluation: Mapping[str, object], split: str, source: str) -> dict[str, Any]:
    """Return the metrics of one split of data/evaluation.json.

    Raises:
        ReportInputError: if they, or one of those that the report shows, are not there.
    """
    metrics = evaluation.get(split)
    if not isinstance(metrics, dict):
        raise ReportInputError(f"{source} has no metrics of split {split!r}; run `dvc repro -f evaluate`")
    wanted = {*HEADLINE, *SHOWN}
    missing = sorted(wanted - set(metrics))
    if missing:
        raise ReportInputError(f"{source}: split {split!r} lacks {', '.join(missing)}; run `dvc repro -f evaluate`")
    return metrics


def systems_of(evaluation: Mapping[str, object], source: str) -> dict[str, dict[str, Any]]:
    """Return system to its metrics on test, intervals below "interval": the model first, the trivial ones last.

    Raises:
        ReportInputError: if there are none.
    """
    systems = evaluation.get("systems")
    if not isinstance(systems, dict) or not all(isinstance(metrics, dict) for metrics in systems.values()):
        raise ReportInputError(f"{source} has no mapping `systems`; run `dvc repro -f evaluate`")
    return dict(sorted(systems.items(), key=lambda item: (item[0] != MODEL, item[0] in TRIVIAL_SYSTEMS, item[0])))
