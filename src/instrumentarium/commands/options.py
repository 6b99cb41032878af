"""Options that several commands share."""

DEFAULT_MODEL = "data/model"
DEFAULT_SYSTEM = "model"
MODEL_HELP = (
    "A model's folder, a Git revision or DVC experiment of the repository at hand, or hf:owner/name[@revision]."
)
OR_SHIPPED_HELP = f"{MODEL_HELP} By default {DEFAULT_MODEL} here, or else the small model that the package ships."
SYSTEM_HELP = (
    "What scores: model, svm_linear, svm_rbf, knn, boosting, mean, stacking, or ensemble (the better of the last two on "
    "validation), beside the model's folder; or the folder of a system."
)
THRESHOLDS_HELP = "Thresholds; by default thresholds.json in the model's folder or beside it."
