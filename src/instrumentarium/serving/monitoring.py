"""What the server counts, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Monitoring:
    """Counters of one server, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        name = "instrumentarium_"
        self.requests = Counter(name + "requests", "Answered requests", ("route", "status"), registry=registry)
        self.seconds = Histogram(
            name + "request_seconds", "From request to answer", ("route",), buckets=SECONDS, registry=registry
        )
        self.in_house = Gauge(name + "requests_in_house", "Uploading, decoding or being scored", registry=registry)
        self.audio = Counter(name + "audio_seconds", "Decoded audio that was predicted", registry=registry)
        self.decoding = Histogram(
            name + "decode_seconds", "Waiting for a decoder, and decoding", buckets=SECONDS, registry=registry
        )
        self.batches = Histogram(
            name + "batch_windows", "Windows scored together", buckets=(1, 2, 4, 8, 16), registry=registry
        )
        self.replaced = Gauge(
            name + "decoders_replaced", "Decoding processes that were killed or died", registry=registry
        )
        self.gone = Counter(name + "clients_gone", "Clients that left before their answer", registry=registry)

    def text(self) -> bytes:
        """Return all counters in Prometheus' text format."""
        return generate_latest(self.registry)
