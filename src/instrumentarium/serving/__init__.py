"""A model behind HTTP: uploads in, the JSON of the command `predict` out, and a page for people.

An upload is counted as it streams to a temporary file (`uploads`), decoded by a child process that can be killed
(`decoders`), cut into windows that share batches with those of other clients (`batcher`), and decided on by the ladder
(`recognition`). Nothing a client sends is ever taken for a path or an address.
"""
