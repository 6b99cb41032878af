"""Descriptors of sound that need no learning: what is measured in short frames, and how frames become a row a window."""
