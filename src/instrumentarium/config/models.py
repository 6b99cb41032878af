"""Models: a backbone, and the names of what it goes with; what goes with it may be chosen apart."""

from instrumentarium.models.params import BackboneParams
from instrumentarium.runtime.section import Section
from instrumentarium.training.params import RecipeParams


class ModelParams(Section):
    """One model: its backbone, the head and loss it takes, and per collection its front end and its recipe.

    `head`, `loss` and `frontend` name entries of `heads`, `losses` and `frontends`.
    """

    backbone: BackboneParams
    head: str
    loss: str
    frontend: dict[str, str]
    recipes: dict[str, RecipeParams]
