"""A server that speaks S3, on this machine alone, at a port that the system chooses."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

BUCKET = "instruments"
REGION = "us-east-1"
KEY_ID, SECRET = f"AKID{secrets.token_hex(8).upper()}", secrets.token_hex(20)
"""In no file, this one included."""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@dataclass(frozen=True)
class Bucket:
    """A bucket of that server."""

    url: str

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name=REGION,
        )

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def objects(self) -> dict[str, int]:
        """Return the size of every object, by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", ())}


@contextmanager
def empty_bucket() -> Iterator[Bucket]:
    """Yield an empty bucket, shut off from the user's credentials and proxies."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
            patch.delenv(name)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        bucket = Bucket(f"http://{host}:{port}")
        bucket.client.create_bucket(Bucket=BUCKET)
        yield bucket
        # the objects are the process's, not the server's: the next one would have them
        requests.post(f"{bucket.url}/moto-api/reset", timeout=60).raise_for_status()
        server.stop()
