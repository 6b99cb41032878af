"""IRMAS: a dataset for instrument recognition in musical audio signals."""
