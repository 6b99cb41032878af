"""Augmentation in two steps: draw the parameters from a seeded generator, then apply them to a batch."""
