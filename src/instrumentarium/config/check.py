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
        if isinstance(model.backbone, TimmParams):
            try:
                check_architecture(model.backbone.architecture)
            except UnknownArchitectureError as error:
                problems.append(f"  models.{name}.backbone.{error}")
    if problems:
        raise ParamsError("\n".join(["params.yaml cannot be used as it is:", *problems]))
