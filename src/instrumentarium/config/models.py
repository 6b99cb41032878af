"""Models: the network, the front end, the recipe it is trained by."""

from instrumentarium.frontends.params import LogMelParams
from instrumentarium.models.params import NetworkParams
from instrumentarium.runtime.section import Section
from instrumentarium.training.params import RecipeParams


class ModelParams(Section):
    """One model: its network, and per collection the front end it hears through and the recipe it is trained by."""

    network: NetworkParams
    frontends: dict[str, LogMelParams]
    recipes: dict[str, RecipeParams]
