"""How commands name a model."""

DEFAULT_MODEL = "data/model"
MODEL_HELP = "A model's folder, a Git revision, or a DVC experiment of the repository at hand."
