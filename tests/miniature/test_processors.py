"""What is rendered hardly depends on which of a processor's instructions libraries choose to use.

Some of NumPy's functions end in other last bits without vector instructions, so that a sample at the very edge between two
16-bit values can go either way; nothing else may differ.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched

PLAIN = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(
        dispatched
    ),  # names differ from one NumPy to the next; unknown ones do nothing
    "OPENBLAS_CORETYPE": "Haswell",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA4",
}
"""NumPy, SciPy's linear algebra and glibc's mathematics as on an older processor."""

RENDER = """
import json, sys
from pathlib import Path
import scipy.linalg
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
from instrumentarium.miniature.layouts import esc50, irmas, openmic
from instrumentarium.runtime import workers


workers.usable_cores = lambda: 1  # to start others takes longer than so little rendering
for corpus, amount in ((irmas, {"train_recordings": 1, "test_songs": 2}), (openmic, {"clips": 12}), (esc50, {"clips": 12})):
    folder = Path(sys.argv[1], corpus.__name__.rpartition(".")[2])
    folder.mkdir(parents=True)
    corpus.render(folder, folder / "truth.csv", seed=3, **amount)
blas = sorted({each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"})
numpy = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
print(json.dumps({"numpy": numpy, "blas": blas}))
"""


LOADER = "/lib64/ld-linux-x86-64.so.2"
ACTIVE = {"FMA": ("features[0x0].active[0x2]", 12), "AVX2": ("features[0x1].active[0x1]", 5)}
"""Where glibc's loader says what glibc may use: the registers and bits of the instruction CPUID."""


@dataclass(frozen=True)
class Rendered:
    """Files by their paths in the folder, and which instructions the libraries were free to use."""

    files: dict[str, bytes]
    used: dict[str, Any]


def render(folder: Path, settings: dict[str, str]) -> Rendered:
    """Render in a process of its own, since libraries look at the processor as they are loaded."""
    result = subprocess.run(
        [sys.executable, "-c", RENDER, str(folder)],
        env=os.environ | settings,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    paths = (path for path in folder.rglob("*") if path.is_file())
    files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return Rendered(files, {**json.loads(result.stdout.splitlines()[-1]), "glibc": used_by_glibc(settings)})


def used_by_glibc(settings: dict[str, str]) -> list[str]:
    """Return which of ACTIVE glibc is free to use."""
    said = subprocess.run(
        [LOADER, "--list-diagnostics"], env=os.environ | settings, check=True, capture_output=True, text=True
    ).stdout
    found = {name: re.search(rf"{re.escape(place)}=(0x[0-9a-f]+)", said) for name, (place, _) in ACTIVE.items()}
    assert all(found.values()), said
    return [name for name, match in found.items() if match and int(match[1], 16) >> ACTIVE[name][1] & 1]


def members(name: str, content: bytes) -> dict[str, bytes]:
    """Return the members of an archive, or a file as its own one."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {member: archive.read(member) for member in archive.namelist()}
    if name.endswith(".tgz"):
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            return {each.name: packed.extractfile(each).read() for each in packed if each.isfile()}
    return {name: content}


def differences(content: bytes, other: bytes) -> npt.NDArray[np.int64]:
    """Return by how much the samples of two audio files differ, in steps of 16 bits."""
    one, two = (
        soundfile.read(io.BytesIO(each), dtype="int16", always_2d=True)[0].astype(int) for each in (content, other)
    )
    assert one.shape == two.shape
    return np.abs(one - two)


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="names x86 instructions and glibc"
)
def test_an_older_processor_renders_the_same_but_for_a_sample_at_the_edge_of_rounding(tmp_path: Path):
    as_it_is, plain = render(tmp_path / "as it is", {}), render(tmp_path / "plain", PLAIN)
    assert plain.used == {"numpy": [], "blas": ["Haswell"], "glibc": []}, "they were not switched off"
    if as_it_is.used == plain.used:
        pytest.skip("this processor has nothing to switch off")
    assert {Path(path).parent.name for path in plain.files} == {"irmas", "openmic", "esc50"}
    assert plain.files.keys() == as_it_is.files.keys()
    waves, coded, audio = 0, 0, 0
    for path, content in plain.files.items():
        one, two = members(path, as_it_is.files[path]), members(path, content)
        assert list(one) == list(two)
        for name in one:
            audio += name.endswith((".wav", ".ogg"))
            if one[name] == two[name]:
                continue
            assert name.endswith((".wav", ".ogg")), f"{name} in {path}: what is no sound must be equal"
            steps = differences(one[name], two[name])
            if name.endswith(".wav"):
                assert steps.max() == 1, name
                waves += int((steps > 0).sum())
            else:  # a last bit before the encoder can change how it rounds a block
                assert steps.max() < 0.01 * 2**15, name
                coded += 1
    assert audio > 70
    assert waves <= 5, "samples of some ten million"
    assert coded <= 2
