"""What others get: a model as a folder for a model hub, and the description of a collection without its audio."""
