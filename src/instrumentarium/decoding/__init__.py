"""From the bytes of any audio file to mono samples: the one decoding path, of ingest and of inference alike."""
