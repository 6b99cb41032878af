"""What is rendered does not depend on which of a processor's instructions libraries choose to use."""

import os
import subprocess
import sys
from pathlib import Path

PLAIN = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA4",
}
"""NumPy, SciPy's linear algebra and glibc's mathematics as on an older processor."""

RENDER = """
import sys
from pathlib import Path
from instrumentarium.miniature.layouts import esc50, irmas, openmic
from instrumentarium.runtime import workers

workers.usable_cores = lambda: 1  # to start others takes longer than so little rendering
for corpus, amount in ((irmas, {"train_recordings": 1, "test_songs": 2}), (openmic, {"clips": 12}), (esc50, {"clips": 12})):
    folder = Path(sys.argv[1], corpus.__name__.rpartition(".")[2])
    folder.mkdir(parents=True)
    corpus.render(folder, folder / "truth.csv", seed=3, **amount)
"""


def test_an_older_processor_renders_the_same_bytes(tmp_path: Path):
    made = {}
    for name, extra in (("as it is", {}), ("plain", PLAIN)):
        subprocess.run(
            [sys.executable, "-c", RENDER, str(tmp_path / name)],
            env=os.environ | extra,
            check=True,
            capture_output=True,
            timeout=300,
        )
        files = (path for path in (tmp_path / name).rglob("*") if path.is_file())
        made[name] = {str(path.relative_to(tmp_path / name)): path for path in files}
    assert {Path(path).parent.name for path in made["plain"]} == {"irmas", "openmic", "esc50"}
    assert made["plain"].keys() == made["as it is"].keys()
    for name, path in made["plain"].items():
        assert made["as it is"][name].read_bytes() == path.read_bytes(), name
