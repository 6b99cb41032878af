"""DVC's plots need no network with the page that `make offline-plots` writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def dvc(folder: Path, *words: str | Path) -> None:
    environment = os.environ | {"PYTHONPATH": "", "DVC_NO_ANALYTICS": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_page_of_plots_holds_vega_and_fetches_nothing(tmp_path: Path) -> None:
    template = tmp_path / "plots.html"
    subprocess.run([sys.executable, ROOT / ".ci" / "plots.py", template], check=True)
    dvc(tmp_path, "init", "--no-scm", "--quiet")
    (tmp_path / "rows.json").write_text(json.dumps([{"epoch": n, "loss": 1 / (n + 1)} for n in range(4)]))
    (tmp_path / "dvc.yaml").write_text("plots:\n- rows.json:\n    x: epoch\n    y: loss\n")
    dvc(tmp_path, "plots", "show", "--html-template", template)
    page = (tmp_path / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    assert "0.3333" in page
    assert "vegaEmbed" in page
    assert "cdn.jsdelivr.net" not in page
    assert 'script src="' not in page
    assert "{plot_divs}" not in page
    assert "{refresh_tag}" not in page
