"""What of strict arithmetic depends on the processor: results of many operations, kept on one and compared on another.

    python benchmarks/arithmetic.py --out here.npz [--count 2000000]
    python benchmarks/arithmetic.py --against there.npz

The second processor may be an emulated one, whose estimates of reciprocals are exact ones:
`qemu-x86_64 -cpu Haswell python benchmarks/arithmetic.py --out there.npz`. Of every operation it is counted how many of the
results are not the same number; one line of JSON, empty where all are.

differ      operation: results that differ, of how many
equal       operations all of whose results are the same
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import typer

from instrumentarium.runtime.process import fix_arithmetic
from instrumentarium.runtime.stage import run


def main(
    out: Annotated[Path | None, typer.Option(help="File to keep the results in.")] = None,
    against: Annotated[Path | None, typer.Option(help="File of another processor.")] = None,
    count: Annotated[int, typer.Option(min=1000, help="Numbers an operation (--out).")] = 2_000_000,
) -> None:
    """Compute with fixed arithmetic, and keep or compare the results."""
    if (out is None) == (against is None):
        raise typer.BadParameter("give --out FILE to keep results, or --against FILE to compare with")
    fix_arithmetic("strict")
    import numpy as np

    if out is not None:
        np.savez(out, count=count, **_results(count))
        return
    assert against is not None
    with np.load(against) as there:
        here = _results(int(there["count"]))
        differ = {}
        for name, mine in here.items():
            unlike = (mine != there[name]) & ~(np.isnan(mine) & np.isnan(there[name]))
            if unlike.any():
                differ[name] = f"{int(unlike.sum())} of {unlike.size}"
    print(json.dumps({"differ": differ, "equal": [name for name in here if name not in differ]}))


def _results(count: int):  # type: ignore[no-untyped-def]  # NumPy is not to be loaded before arithmetic is fixed
    import torch
    import torch.nn.functional as F

    generator = torch.Generator().manual_seed(0)

    def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    found = {}
    for dtype, amount in ((torch.float32, count), (torch.float64, count // 10)):
        near, shares = 2 * numbers(amount, dtype=dtype), numbers(amount, dtype=dtype).sigmoid()
        wide = torch.exp2(10 * numbers(amount, dtype=torch.float64)).to(dtype)
        for name, function, x in _elementwise(near, shares, wide):
            found[f"{name} of {str(dtype)[6:]}"] = function(x).numpy()
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 24, (5, 3), padding=(2, 1)), torch.nn.BatchNorm2d(24), torch.nn.SiLU(),
        torch.nn.Conv2d(24, 32, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.Conv2d(32, 48, 1), torch.nn.GELU(),
        torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(768, 11),
    )  # fmt: skip
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(0.1 * numbers(*weights.shape))
    optimizer = torch.optim.AdamW(network.parameters(), 0.01, fused=True)
    for step in range(3):
        spectra = torch.stft(numbers(8, 16000), 512, 128, window=torch.hann_window(512), return_complex=True)
        power = spectra.real.square() + spectra.imag.square()
        features = (numbers(64, 257).abs() @ power + 1e-10).log()[:, None]
        logits = network(features)
        F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)).backward()
        optimizer.step()
        optimizer.zero_grad()
        found |= {f"features {step}": features.numpy(), f"logits {step}": logits.detach().numpy()}
    found["weights"] = torch.cat([weights.detach().flatten() for weights in network.parameters()]).numpy()
    return found


def _elementwise(near, shares, wide) -> list[tuple[str, Callable, object]]:  # type: ignore[no-untyped-def, type-arg]
    """Return functions of one tensor and what to give them: around 0, between 0 and 1, or over many octaves."""
    import torch
    import torch.nn.functional as F

    by_input = (
        (near, ("sin", "cos", "tan", "atan", "tanh", "sinh", "cosh", "erf", "exp", "expm1", "sigmoid", "reciprocal")),
        (shares, ("asin", "acos", "logit", "log1p")),
        (wide, ("sqrt", "rsqrt", "log", "log2", "log10")),
    )
    found: list[tuple[str, Callable, object]] = [  # type: ignore[type-arg]
        (name, getattr(torch, name), x) for x, names in by_input for name in names
    ]
    return [
        *found,
        ("power of 10", lambda x: torch.pow(10.0, x), near),
        ("power 0.3", lambda x: x.pow(0.3), wide),
        ("softplus", F.softplus, near),
        ("gelu", F.gelu, near),
        ("softmax", lambda x: x[: len(x) // 10 * 10].view(-1, 10).softmax(1), near),
        ("norm", lambda x: x[: len(x) // 10 * 10].view(-1, 10).norm(dim=1), near),
        ("absolute", lambda x: torch.complex(x, x.flip(0)).abs(), near),
    ]


if __name__ == "__main__":
    run(main)
