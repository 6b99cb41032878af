"""glibc is asked to keep freed memory; other systems and C libraries are left alone."""

import pytest

from instrumentarium.training import allocation


class Library:
    """A C library that notes what it is asked, and says yes to values that glibc takes."""

    def __init__(self) -> None:
        self.asked: dict[int, int] = {}

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked[parameter] = value
        return int(parameter in (-1, -3) and 0 <= value < 2**31 and (parameter != -3 or value <= 32 << 20))


def test_large_buffers_come_from_the_heap_and_its_free_end_is_kept(monkeypatch: pytest.MonkeyPatch):
    library = Library()
    monkeypatch.setattr(allocation.sys, "platform", "linux")
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda name: library)
    assert allocation.keep_freed_memory()
    assert library.asked == {-3: 32 << 20, -1: 1 << 30}


def test_another_system_or_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocation.sys, "platform", "linux")
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda name: object())
    assert not allocation.keep_freed_memory()
    monkeypatch.setattr(allocation.sys, "platform", "darwin")
    assert not allocation.keep_freed_memory()
