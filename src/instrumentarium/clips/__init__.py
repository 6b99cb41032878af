"""Clips read from the stages' tables: their samples, targets and observed, and windows."""
