"""Label audit: which labels are probably wrong, by what a classifier that has not seen them makes of their clips."""
