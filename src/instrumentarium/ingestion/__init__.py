"""From archives to the sample store and its tables: decoding."""
