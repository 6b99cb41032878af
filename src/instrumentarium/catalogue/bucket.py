"""Files in a bucket of the S3 kind, by way of pyarrow: listed folder by folder, fetched one at a time.

Credentials, region and endpoint are those of the environment, as the AWS tools have them: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from instrumentarium.decoding.decoder import decode_blocks
from instrumentarium.decoding.pcm import Block
from instrumentarium.decoding.stream import SampleStream

SCHEME = "s3://"
PIECE_BYTES = 1 << 20


@cache
def _server() -> Any:
    from pyarrow.fs import S3FileSystem

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get(
        "AWS_ENDPOINT_URL"
    )  # pyarrow does not look itself
    return S3FileSystem(endpoint_override=endpoint)


def names_below(url: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield the objects below s3://bucket/folder whose last name is `wanted`, folder by folder, in order of names.

    Raises:
        OSError: if the bucket cannot be read; FileNotFoundError if it, or the folder, is not there.
    """
    from pyarrow.fs import FileSelector, FileType

    folders = []
    for found in sorted(_server().get_file_info(FileSelector(url.removeprefix(SCHEME))), key=lambda info: info.path):
        if found.type == FileType.Directory:
            if not found.base_name.startswith("."):
                folders.append(found.path)
        elif wanted(found.base_name):
            yield SCHEME + found.path
    for path in folders:
        yield from names_below(SCHEME + path, wanted)


def stream_of_object(url: str, sample_rate_hz: int) -> SampleStream:
    """Return the samples of an object; it is fetched to a temporary file when they are read, and what fails shows then."""
    return SampleStream(partial(_blocks, url), sample_rate_hz)


def _blocks(url: str) -> Iterator[Block]:
    with tempfile.TemporaryDirectory(prefix="instrumentarium-") as folder:
        path = Path(folder, "object")
        with _server().open_input_stream(url.removeprefix(SCHEME)) as source, path.open("wb") as file:
            while data := source.read(PIECE_BYTES):
                file.write(data)
        yield from decode_blocks(path)
