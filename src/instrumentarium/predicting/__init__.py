"""Using a trained model on any audio: a ladder of callables, each rung one step, the command only the last one.

`Samples2Scores` → `Audio2Timeline` → `File2Timeline` → `Files2Table` (module `ladder`).
"""
