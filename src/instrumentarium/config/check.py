"""What only other libraries know of params.yaml: whether a network's architecture exists."""

from instrumentarium.config.whole import Params
from instrumentarium.models.backbones.image import UnknownArchitectureError, check_architecture
from instrumentarium.models.params import TimmParams
from instrumentarium.runtime.section import ParamsError


def check_architectures(params: Params) -> None:
    """Make sure that every model's architecture exists, selected or not.

    Raises:
        ParamsError: naming each one that timm has not, and the closest ones it has.
    """
    problems = []
    for name, model in params.models.items():
        if isinstance(model.network, TimmParams):
            try:
                check_architecture(model.network.architecture)
            except UnknownArchitectureError as error:
                problems.append(f"  models.{name}.network.{error}")
    if problems:
        raise ParamsError("\n".join(["params.yaml cannot be used as it is:", *problems]))
