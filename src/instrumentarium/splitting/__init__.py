"""Which clips train, which choose thresholds, which test: by recording, balanced over labels, the same for a seed.

Recordings are what is moved, clips are what is counted: every number here is of clips. Labels are all that is looked at,
never a model's output. docs/splits.md has the whole story.
"""
