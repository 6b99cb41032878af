"""Prediction over a catalogue: millions of files, many workers, results in Parquet, and each file in them exactly once."""
