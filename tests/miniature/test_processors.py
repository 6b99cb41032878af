"""What is rendered does not depend on what a processor with AVX2 and FMA can do beyond them, nor on who made it.

With AVX-512 some of NumPy's functions end in other last bits, so that a sample at the very edge between two 16-bit values
goes the other way, and Vorbis rounds a block otherwise. So rendering takes place on NumPy's baseline (`numpy_baseline`).
The Vorbis encoder itself asks the processor for estimates of reciprocals, which differ from one maker to the next; nothing
that they decide may reach a rendered file.
"""

import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from instrumentarium.runtime.process import NUMPY_BASELINE

OLDER = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD",
    "OPENBLAS_CORETYPE": "Haswell",
}
"""A C library as on a processor without AVX-512, and a wish of the user's for other kernels, which must give way.

Without FMA the C library's own exponentials and sines end in other last bits, so that now and then a sample does, too.
"""

RENDER = """
import json, sys
from pathlib import Path
from instrumentarium.runtime import workers
from instrumentarium.runtime.process import numpy_baseline
assert "numpy" not in sys.modules
workers.usable_cores = lambda: 1  # to start others takes longer than so little rendering
with numpy_baseline():
    from instrumentarium.miniature.layouts import esc50, irmas, openmic
    for corpus, amount in (
        (irmas, {"train_recordings": 1, "test_songs": 2}), (openmic, {"clips": 12}), (esc50, {"clips": 12})
    ):
        folder = Path(sys.argv[1], corpus.__name__.rpartition(".")[2])
        folder.mkdir(parents=True)
        corpus.render(folder, folder / "truth.csv", seed=3, **amount)
import scipy.linalg
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
blas = sorted({each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"})
numpy = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
print(json.dumps({"numpy": numpy, "blas": blas}))
"""

WORKER = """
import json, sys
from instrumentarium.runtime.process import numpy_baseline
from instrumentarium.runtime.workers import worker_pool
from multiprocessing import get_context
from concurrent.futures import ProcessPoolExecutor

def features(_):
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
    return [name for name in __cpu_dispatch__ if __cpu_features__[name]]

if __name__ == "__main__":
    import numpy  # here as it is, before
    with numpy_baseline(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        print(json.dumps({"here": features(0), "worker": pool.submit(features, 0).result()}))
"""


LOADER = "/lib64/ld-linux-x86-64.so.2"
ACTIVE = {"AVX512F": ("features[0x1].active[0x1]", 16)}
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
        timeout=900,
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


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="names x86 instructions and glibc"
)
def test_newer_instructions_change_no_rendered_byte(tmp_path: Path):
    as_it_is, older = render(tmp_path / "as it is", {}), render(tmp_path / "older", OLDER)
    for each in (as_it_is, older):
        assert each.used["numpy"] == [], "NumPy uses what not every processor has"
        assert each.used["blas"] == [NUMPY_BASELINE["OPENBLAS_CORETYPE"]]
    assert older.used["glibc"] == [], "they were not switched off"
    assert {Path(path).parent.name for path in older.files} == {"irmas", "openmic", "esc50"}
    assert older.files.keys() == as_it_is.files.keys()
    audio = 0
    for path, content in older.files.items():
        one, two = members(path, as_it_is.files[path]), members(path, content)
        assert list(one) == list(two)
        audio += sum(name.endswith((".wav", ".ogg")) for name in one)
        assert [name for name in one if one[name] != two[name]] == []
    assert audio > 70


def test_workers_of_a_renderer_use_what_every_processor_has(tmp_path: Path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    features = json.loads(
        subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True).stdout
    )
    assert features["worker"] == []


def test_numpy_knows_the_features_that_are_switched_off_by_name():
    from numpy._core._multiarray_umath import __cpu_dispatch__

    if os.uname().machine == "x86_64":
        assert NUMPY_BASELINE["NPY_DISABLE_CPU_FEATURES"].split() == __cpu_dispatch__


RECIPROCAL = re.compile(rb"\x0f\x53\xc1.{3,40}?\x0f\x58\xc0(\x0f\x5c\xc1)", re.DOTALL)
"""`rcpps xmm0, xmm1`, and how GCC makes the estimate better: `addps xmm0, xmm0`, `subps xmm0, xmm1`."""
NOTHING = b"\x0f\x1f\x00"
ENCODE = """
import hashlib, json, sys
import numpy as np
import soundfile
from instrumentarium.miniature.layouts.archives import encode_audio
from instrumentarium.miniature.layouts.openmic import FORMATS
assert soundfile.__file__.startswith(sys.argv[1]), soundfile.__file__

def music(rate, channels):
    random, time_s = np.random.default_rng(0), np.arange(3 * rate) / rate
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220, 331, 1487))[:, None] * np.linspace(1.0, 0.4, channels)
    return np.round(3000 * tones + 400 * random.standard_normal((len(time_s), channels))).astype(np.int16)

def coded(rate, channels, quality):
    return hashlib.md5(encode_audio(music(rate, channels), rate, "ogg", quality)).hexdigest()

found = {f"{rate} {channels}": coded(rate, channels, 0.6) for rate, channels in sorted(set(FORMATS))}
found["mono, poor"] = coded(44100, 1, 0.1)
from instrumentarium.miniature.layouts import archives
archives.LOSSLESS_COUPLING = 0.0
found["stereo, poor"] = coded(44100, 2, 0.5)
print(json.dumps(found))
"""


def encoded(package: Path) -> dict[str, str]:
    """Encode in a process that finds soundfile in the folder `package`; return the hash of each file."""
    settings = os.environ | {"PYTHONPATH": os.pathsep.join([str(package), *sys.path])}
    said = subprocess.run(
        [sys.executable, "-c", ENCODE, str(package)], env=settings, check=True, capture_output=True, text=True
    )
    found: dict[str, str] = json.loads(said.stdout)
    return found


@pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="changes instructions of x86 in a library"
)
def test_an_estimate_of_the_processor_decides_nothing_in_a_rendered_vorbis_file(tmp_path: Path):
    spec = importlib.util.find_spec("soundfile")
    assert spec is not None
    assert spec.origin is not None
    sources = Path(spec.origin).parent
    as_it_is, coarse = tmp_path / "as it is", tmp_path / "coarse"
    for folder in (as_it_is, coarse):
        shutil.copytree(sources / "_soundfile_data", folder / "_soundfile_data")
        for name in ("soundfile.py", "_soundfile.py"):
            shutil.copy(sources / name, folder)
    (library,) = (coarse / "_soundfile_data").glob("libsndfile*.so")
    code = bytearray(library.read_bytes())
    places = [match.start(1) for match in RECIPROCAL.finditer(code)]
    if not places:
        pytest.skip("this build of libsndfile asks for no estimates")
    for place in places:  # twice the estimate, in place of one that is made better
        code[place : place + len(NOTHING)] = NOTHING
    library.write_bytes(code)
    right, wrong = encoded(as_it_is), encoded(coarse)
    assert {name for name in right if right[name] != wrong[name]} == {"stereo, poor"}, (
        "the last one only shows that it acts"
    )
