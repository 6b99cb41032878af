"""A comparison as text: the answer, then the headline, the instruments, the clips."""

from collections.abc import Iterator

from instrumentarium.comparing.comparison import Comparison, Difference, Settings
from instrumentarium.evaluation.catalogue import LABELS, LEADING, LOWER_IS_BETTER, MACRO

FEWEST_RECORDINGS = 6
"""With fewer, no exchange of recordings can give a p below 5 %: of 2 ** 5, two differ most."""


def as_table(comparison: Comparison) -> str:
    """Return the comparison as text for a terminal of 85 columns; clips' ids may run on."""
    return "\n".join(
        [
            *_settings(comparison.settings),
            "",
            answer(comparison),
            "",
            *_headline(comparison),
            "",
            *_instruments(comparison),
            *_clips(comparison),
        ]
    )


def answer(comparison: Comparison) -> str:
    """Return the comparison's answer in a sentence, by macro F1."""
    found = comparison.headline[LEADING]
    if found.difference is None or found.low is None or found.high is None or found.p is None:
        return "Macro F1 is undefined here: no instrument is known to play in any of these clips."
    if found.difference == 0:
        return "Macro F1 is the same for both."
    direction = "higher" if found.difference > 0 else "lower"
    sure = "this is real" if found.is_real() else "this may well be chance"
    return (
        f"B has a macro F1 {abs(found.difference):.3f} {direction} than A (95 % interval of the difference "
        f"{found.low:+.3f} to {found.high:+.3f}, p = {p_text(found.p)}): {sure}."
    )


def p_text(p: float | None) -> str:
    """Return a p-value as text: to three decimals, to four where it is small."""
    if p is None:
        return "–"
    return f"{p:.3f}" if p >= 0.01 else f"{p:.4f}"


def _settings(settings: Settings) -> Iterator[str]:
    for key, side in (("A", settings.a), ("B", settings.b)):
        yield f"{key}  {side.name} ({side.source}); thresholds {side.thresholds}"
    yield (
        f"{settings.clips} {settings.split} clips of {settings.recordings} recordings; {settings.resamples} resamples and "
        f"{settings.permutations} exchanges of recordings, seed {settings.seed}"
    )
    if settings.clips_only_in_a or settings.clips_only_in_b:
        yield (
            f"Left out: {settings.clips_only_in_a} clips that only A has, {settings.clips_only_in_b} that only B has; "
            "the values below are of the common clips."
        )
    if settings.recordings < FEWEST_RECORDINGS:
        yield f"Too few recordings: with fewer than {FEWEST_RECORDINGS} no difference can be distinguished from chance."


def _headline(comparison: Comparison) -> Iterator[str]:
    yield _columns("", "p")
    for name, difference in comparison.headline.items():
        yield _row(f"{name} ↓" if name in LOWER_IS_BETTER else name, difference, difference.p)
    yield "↓ less is better. Each p stands alone: choose your metric before you look."


def _instruments(comparison: Comparison) -> Iterator[str]:
    count = len(comparison.per_instrument)
    for metric in MACRO:
        yield _columns(f"{LABELS[metric]} by instrument", "Holm p")
        for code, metrics in comparison.per_instrument.items():
            yield _row(comparison.names[code], metrics[metric], metrics[metric].p_holm)
        yield ""
    yield f"Holm p allows for looking at {count} instruments: one below 0.05 holds even so."


def _columns(title: str, p: str) -> str:
    return f"{title:<24}{'A':>7}{'B':>8}{'B - A':>9}   {'95 % interval':<17}{p:>7}"


def _row(name: str, found: Difference, p: float | None) -> str:
    if found.difference is None or found.low is None or found.high is None:
        return f"{name:<24}{_number(found.a)}{_number(found.b):>8}{'–':>9}   {'undefined':<17}{'–':>7}"
    interval = f"{found.low:+.3f} to {found.high:+.3f}"
    mark = "  real" if found.is_real() else ""
    values = f"{_number(found.a)}{_number(found.b):>8}{found.difference:>+9.3f}"
    return f"{name:<24}{values}   {interval:<17}{p_text(p):>7}{mark}"


def _number(value: float | None) -> str:
    return f"{'–' if value is None else format(value, '.3f'):>7}"


def _clips(comparison: Comparison) -> Iterator[str]:
    if not comparison.clips:
        yield ""
        yield "The systems predict the same for every clip."
        return
    yield ""
    yield "Clips that changed most (predictions that became right or wrong; mean change of scores)"
    for clip in comparison.clips:
        yield f"  {clip.gain:+d} of {clip.observed}, scores by {clip.score_change:.2f}  {clip.clip_id}"
        yield f"       plays {_listed(clip.truth)};  A predicts {_listed(clip.a)};  B predicts {_listed(clip.b)}"


def _listed(codes: tuple[str, ...]) -> str:
    return " ".join(codes) or "nothing"
