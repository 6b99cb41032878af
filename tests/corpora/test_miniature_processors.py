"""What is rendered does not depend on which of a processor's instructions libraries choose to use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PLAIN = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA4",
}
"""NumPy, SciPy's linear algebra and glibc's mathematics as on an older processor."""

RENDER = """
import sys
from pathlib import Path
from instrumentarium.corpora.miniature import {corpus}
{corpus}.render(Path(sys.argv[1]), Path(sys.argv[1]) / "truth.csv", seed=3, {amount})
"""


@pytest.mark.parametrize(
    ("corpus", "amount"),
    [("irmas", "train_recordings=1, test_songs=2"), ("openmic", "clips=12"), ("esc50", "clips=12")],
)
def test_an_older_processor_renders_the_same_bytes(tmp_path: Path, corpus: str, amount: str):
    for name, extra in (("as it is", {}), ("plain", PLAIN)):
        folder = tmp_path / name
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", RENDER.format(corpus=corpus, amount=amount), str(folder)],
            env=os.environ | extra,
            check=True,
            capture_output=True,
            timeout=300,
        )
    rendered = sorted(path.name for path in (tmp_path / "plain").iterdir())
    assert len(rendered) > 1
    for name in rendered:
        assert (tmp_path / "as it is" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes(), name
