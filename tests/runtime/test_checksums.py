from pathlib import Path

import numpy as np
import pytest

from instrumentarium.runtime.checksums import md5_of_bytes, md5_of_file

KNOWN = [(b"", "d41d8cd98f00b204e9800998ecf8427e"), (b"abc", "900150983cd24fb0d6963f7d28e17f72")]
"""RFC 1321, A.5."""


@pytest.mark.parametrize(("content", "md5"), KNOWN)
def test_files_and_bytes_have_the_md5_of_the_standard(tmp_path: Path, content: bytes, md5: str):
    (tmp_path / "file").write_bytes(content)
    assert md5_of_bytes(content) == md5_of_file(tmp_path / "file") == md5


def test_a_large_file_has_the_md5_of_its_bytes(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content" * 100_000)
    assert md5_of_file(tmp_path / "file") == md5_of_bytes(b"content" * 100_000)


def test_an_array_has_the_md5_of_its_memory():
    samples = np.arange(100, dtype="<i2")
    assert md5_of_bytes(samples.data) == md5_of_bytes(samples.tobytes())
