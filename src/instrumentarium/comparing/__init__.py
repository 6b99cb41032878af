"""Whether two models differ for real: paired over recordings, on the same clips."""
