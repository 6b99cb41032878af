"""The folder of pre-trained weights: what a model's recipe names with `pretrained: {source: path}`.

model.safetensors holds the backbone's weights under the names that a model folder has them by, so it is read as an earlier
experiment's is. pretraining.json says what they are: method, front end, normalisation, backbone, checksums, parameters and
what came of the pretext task.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from safetensors.torch import save
from torch import nn

from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.normalisation import Normalisation
from instrumentarium.frontends.params import FrontEndParams
from instrumentarium.models.params import BackboneParams
from instrumentarium.models.pretrained import OURS
from instrumentarium.pretraining.curves import draw_curves
from instrumentarium.pretraining.loop import Row
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.runtime.files import atomic_path, write_json
from instrumentarium.runtime.sealed import sha256_of
from instrumentarium.runtime.section import Section


class PretrainingCard(Section):
    """pretraining.json: what pre-trained weights are, where they come from, and their checksums.

    `clips`, `recordings` count what was trained on; `metrics` are the last epoch's.
    """

    format: Literal[1]
    method: str
    collection: str
    model: str
    seed: int
    clips: int
    recordings: int
    sample_rate_hz: int
    frontend: FrontEndParams
    normalisation: Normalisation
    backbone: BackboneParams
    windows: WindowsParams
    pretraining: PretrainingParams
    training: dict[str, JsonValue]
    metrics: dict[str, float]
    versions: dict[str, str]


def save_pretrained(folder: Path, backbone: nn.Module, card: PretrainingCard, rows: Sequence[Row]) -> str:
    """Write weights, card, the rows of all epochs and a picture of them into `folder`; return the weights' md5."""
    weights = {f"{OURS}{name}": tensor.cpu().contiguous() for name, tensor in sorted(backbone.state_dict().items())}
    data = save(weights)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    with atomic_path(folder / "model.safetensors") as temporary:
        temporary.write_bytes(data)
    write_json(folder / "curves.json", list(rows))
    with atomic_path(folder / "curves.png") as temporary:
        temporary.write_bytes(draw_curves(rows, card.method))
    content = card.model_dump(mode="json")
    write_json(folder / "pretraining.json", {**content, "weights_md5": md5, "weights_sha256": sha256_of(data)})
    return md5
