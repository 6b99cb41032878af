"""Settings made before heavy libraries are imported: how idle threads wait, and which instructions compute."""

import json
import os
import platform
import subprocess
import sys

import pytest

from instrumentarium.runtime.process import NUMPY_BASELINE, STRICT, fix_arithmetic, numpy_baseline

SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["PASSIVE", "1000"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", ""]),
        ({"GOMP_SPINCOUNT": "7"}, ["PASSIVE", "7"]),
    ],
)
def test_threads_wait_a_little_unless_told_otherwise(given: dict[str, str], expected: list[str]):
    code = (
        "import os, sys, instrumentarium.runtime; assert 'torch' not in sys.modules;"
        f"print(*(os.environ.get(name, '') for name in {SETTINGS}), sep=',')"
    )
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=inherited | given, check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip().split(",") == expected


ARITHMETIC = """
import json, os, sys
from instrumentarium.runtime.process import fix_arithmetic
fix_arithmetic({kind!r})
assert "numpy" not in sys.modules
import numpy, torch, scipy.linalg
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 16, 3), torch.nn.BatchNorm2d(16), torch.nn.SiLU(), torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(),
    torch.nn.Linear(256, 11),
)
optimizer = torch.optim.AdamW(network.parameters(), 0.01)
for _ in range(3):
    power = torch.stft(torch.randn(8, 16000), 512, window=torch.hann_window(512), return_complex=True).abs().square()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(network(power.log1p()[:, None]), torch.ones(8, 11))
    optimizer.zero_grad(), loss.backward(), optimizer.step()
import hashlib
weights = b"".join(each.detach().numpy().tobytes() for each in network.parameters())
print(json.dumps({{
    "numpy": [name for name in __cpu_dispatch__ if __cpu_features__[name]],
    "blas": sorted({{each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"}}),
    "torch": torch.backends.cpu.get_cpu_capability(),
    "threads": torch.get_num_threads(),
    "cores": len(os.sched_getaffinity(0)),
    "weights": hashlib.sha256(weights).hexdigest(),
}}))
"""


def trained(kind: str, *, cores: set[int] | None = None, **given: str) -> dict[str, object]:
    """Train a tiny network in a process of its own; return how it computed, and the hash of the weights."""
    inherited = {name: value for name, value in os.environ.items() if name not in STRICT}
    shown = subprocess.run(
        [sys.executable, "-c", ARITHMETIC.format(kind=kind)],
        env=inherited | given,
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=None if cores is None else lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads(shown.stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="what is fixed is of x86 and of this system"
)
def test_strict_training_has_the_same_bytes_whatever_the_cores_threads_and_vectors():
    others = {
        "OMP_NUM_THREADS": "3",
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "AUTO",
    }
    found = trained("strict", **others), trained("strict", cores={min(os.sched_getaffinity(0))})
    for each in found:
        assert (each["numpy"], each["blas"]) == ([], ["Nehalem"])
        assert (each["torch"], each["threads"]) == ("AVX2", 2)
    assert found[1]["cores"] == 1
    assert found[0]["weights"] == found[1]["weights"]


def test_fast_leaves_every_setting_to_the_user(monkeypatch: pytest.MonkeyPatch):
    for name in STRICT:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    fix_arithmetic("fast")
    assert dict(os.environ) == before


@pytest.mark.skipif(platform.machine() != "x86_64", reason="nothing is fixed on other processors")
def test_arithmetic_is_not_fixed_when_it_is_too_late(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "numpy", sys)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(RuntimeError, match="before numpy"):
        fix_arithmetic("strict")
    assert "OMP_NUM_THREADS" not in os.environ


def test_the_baseline_ends_with_its_block(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    monkeypatch.delenv("NPY_DISABLE_CPU_FEATURES", raising=False)
    before = dict(os.environ)

    def fail() -> None:
        with numpy_baseline():
            assert platform.machine() != "x86_64" or NUMPY_BASELINE.items() <= os.environ.items()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(os.environ) == before
