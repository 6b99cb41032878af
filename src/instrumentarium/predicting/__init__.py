"""Running inference with a trained model on any audio: a ladder of callables, the command only the last step.

`Windows2Scores` → `Samples2Scores` → `Audio2Timeline` → `File2Timeline` → `Files2Table` (module `ladder`).
"""
