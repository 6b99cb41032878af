"""Backbones, one file an architecture family."""
