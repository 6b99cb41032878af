"""The parameters of params.yaml, one module a part, so that a stage depends only on the parts it reads."""
