"""Figures as PDF. The pipeline keeps SVG: a PDF's bytes differ from run to run, since its writer orders fonts at random."""

from pathlib import Path

from instrumentarium.reporting.charts import renderers_fonts_alone
from instrumentarium.reporting.rows import MissingReportInputError
from instrumentarium.runtime.files import atomic_path


def write_pdfs(figures: Path, out: Path) -> int:
    """Write each SVG of a folder as PDF of the same size into `out`, beside what else is there; return their number.

    Raises:
        MissingReportInputError: if there is none.
    """
    import vl_convert

    paths = sorted(figures.glob("*.svg"))
    if not paths:
        raise MissingReportInputError(f"{figures} holds no figures; run `dvc repro report`")
    for path in paths:
        with renderers_fonts_alone():
            pdf = vl_convert.svg_to_pdf(path.read_text(encoding="utf-8"))
        with atomic_path(out / f"{path.stem}.pdf") as temporary:
            temporary.write_bytes(pdf)
    return len(paths)
