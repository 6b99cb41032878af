"""Pictures are the same on every machine, whatever fonts it has."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.ttLib import TTFont

from instrumentarium.reporting.charts import draw
from instrumentarium.reporting.pdf import write_pdfs

SRC = Path(__file__).parents[2] / "src"
ROWS = [{"epoch": epoch, "part": "validation", "map_macro": 0.1 * epoch, "best": False} for epoch in range(3)]
PLAIN = """
import vl_convert
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">' \\
    '<text x="5" y="20" font-family="Liberation Sans">cello</text></svg>'
sys.stdout.buffer.write(vl_convert.svg_to_png(svg))
"""
OURS = f"""
from instrumentarium.reporting.charts import draw
chart = draw("map_macro", {ROWS!r})
sys.stdout.buffer.write(chart.png + chart.svg)
"""


def drawn(code: str, fonts: Path) -> str:
    """Run code that writes a picture, in a process of its own that is pointed to other fonts; return its md5."""
    environment = os.environ | {"FONTCONFIG_FILE": str(fonts), "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + code], env=environment, capture_output=True, check=True
    )
    return hashlib.md5(done.stdout).hexdigest()


def font_set(folder: Path, *, with_namesake: bool) -> Path:
    """Return a configuration with one folder of fonts: an empty one, or one with another font by the name of ours."""
    (folder / "fonts").mkdir(parents=True)
    if with_namesake:
        font = TTFont(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
        for record in font["name"].names:
            if record.nameID in {1, 4, 16}:
                font["name"].setName(
                    "Liberation Sans", record.nameID, record.platformID, record.platEncID, record.langID
                )
        font.save(folder / "fonts" / "namesake.ttf")
    file = folder / "fonts.conf"
    file.write_text(f'<?xml version="1.0"?><fontconfig><dir>{folder / "fonts"}</dir></fontconfig>')
    return file


@pytest.mark.parametrize("before", [None, "/etc/fonts/fonts.conf"])
def test_the_fonts_of_what_is_started_later_stay_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is None:
        monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    else:
        monkeypatch.setenv("FONTCONFIG_FILE", before)
    (tmp_path / "map_macro.svg").write_bytes(draw("map_macro", ROWS).svg)
    assert write_pdfs(tmp_path, tmp_path / "out") == 1
    assert os.environ.get("FONTCONFIG_FILE") == before


def test_a_font_of_the_machine_does_not_replace_ours(tmp_path: Path) -> None:
    none = font_set(tmp_path / "none", with_namesake=False)
    other = font_set(tmp_path / "other", with_namesake=True)
    assert drawn(PLAIN, none) != drawn(PLAIN, other)  # the namesake is found, where nobody keeps it out
    assert drawn(OURS, none) == drawn(OURS, other)
