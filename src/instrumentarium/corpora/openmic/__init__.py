"""OpenMIC-2018: an open dataset for multiple instrument recognition."""
