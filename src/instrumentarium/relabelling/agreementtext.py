"""An agreement of two labellings as text for people, JSON for programs, and rows for tables."""

import csv
import io
from dataclasses import asdict

from instrumentarium.relabelling.agreement import Agreement

METRICS = {
    "clips": "clips that both label",
    "only_a": "clips that only A labels",
    "only_b": "clips that only B labels",
    "pairs": "pairs that both know",
    "exact_match": "clips exactly alike",
    "at_least_one": "clips with at least one label of A right",
    "hamming": "pairs alike (Hamming)",
}
COLUMNS = ("a", "b", "judged", "absent", "alone", "with_others")


def agreement_json(agreement: Agreement) -> dict[str, object]:
    """Return everything as nested mappings; the confusion as A's instrument → B's instrument → clips."""
    content = asdict(agreement)
    confusion: dict[str, dict[str, int]] = {}
    for (one, two), count in agreement.confusion.items():
        confusion.setdefault(one, {})[two] = count
    return {**content, "confusion": confusion}


def agreement_text(agreement: Agreement, a: str, b: str) -> str:
    """Return what people read."""
    lines = [f"A  {a}", f"B  {b}", ""]
    lines += [f"{title:42}{_said(getattr(agreement, key)):>8}" for key, title in METRICS.items()]
    width = max(12, *(len(code) for code in agreement.instruments)) if agreement.instruments else 12
    lines += ["", "Clips to which A gives an instrument: what B says of it", ""]
    lines.append(f"{'':{width}}{'A':>8}{'B':>8}{'judged':>8}{'absent':>8}{'alone':>8}{'with others':>13}")
    for code, found in agreement.instruments.items():
        counts = "".join(f"{value:>8}" for value in (found.a, found.b, found.judged))
        shares = f"{_said(found.absent):>8}{_said(found.alone):>8}{_said(found.with_others):>13}"
        lines.append(f"{code:{width}}{counts}{shares}")
    taken = [(pair, count) for pair, count in agreement.confusion.items() if pair[0] != pair[1]]
    if taken:
        lines += ["", "Where they differ: A says, B says instead, clips", ""]
        taken.sort(key=lambda item: (-item[1], item[0]))
        lines += [f"{one:{width}}{two:{width}}{count:>8}" for (one, two), count in taken]
    return "\n".join(lines)


def _said(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def agreement_csv(agreement: Agreement) -> str:
    """Return a table with columns table, a, b, value: every metric, every instrument's, and the confusion."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "a", "b", "value"))
    for key in METRICS:
        writer.writerow(("metric", key, "", _cell(getattr(agreement, key))))
    for code, found in agreement.instruments.items():
        for column in COLUMNS:
            writer.writerow(("instrument", code, column, _cell(getattr(found, column))))
    for (one, two), count in agreement.confusion.items():
        writer.writerow(("confusion", one, two, count))
    return text.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else str(round(value, 6))
