"""How idle threads of OpenMP wait is set before torch is imported, and left alone where the user has said it."""

import os
import subprocess
import sys

import pytest

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
