"""Options that several commands share."""

DEFAULT_MODEL = "data/model"
MODEL_HELP = "A model's folder, a Git revision, or a DVC experiment of the repository at hand."
THRESHOLDS_HELP = "Thresholds; by default thresholds.json in the model's folder or beside it."
