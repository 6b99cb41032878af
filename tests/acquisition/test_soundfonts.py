"""SoundFonts by name, path or URL: verified, fetched once, part of what a rendering is known by."""

import hashlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from publisher import Publisher

from instrumentarium.acquisition import licences
from instrumentarium.acquisition.download import leave_empty, provide_archives, render
from instrumentarium.acquisition.fontcache import provide_soundfonts
from instrumentarium.acquisition.soundfonts import SHIPPED, SOUNDFONTS, SoundFontChoice, SoundFontFile
from instrumentarium.config.collections import CollectionParams
from instrumentarium.corpora.esc50.params import Esc50Groups, Esc50Params
from instrumentarium.corpora.irmas.card import CARD
from instrumentarium.corpora.irmas.params import IrmasParams
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.runtime.section import ParamsError, read_yaml, validate

ROOT = Path(__file__).resolve().parents[2]
BANK = b"RIFF\0\0\0\0sfbk and samples"


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def font(tmp_path: Path) -> SoundFontFile:
    path = tmp_path / "some font.sf2"
    path.write_bytes(BANK)
    return SoundFontFile(at=str(path), md5=md5(BANK))


def test_a_file_of_the_users_is_used_where_it_lies(font: SoundFontFile, tmp_path: Path):
    assert provide_soundfonts([SHIPPED, font], "irmas") == (None, tmp_path / "some font.sf2")
    assert provide_soundfonts([], "irmas") == (None,)
    assert font.name == "some font.sf2"


def test_a_path_from_the_home_folder_is_followed(font: SoundFontFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SoundFontFile(at="~/some font.sf2", md5=font.md5).path == tmp_path / "some font.sf2"


def test_a_file_that_cannot_be_used_is_named(font: SoundFontFile, tmp_path: Path):
    path = tmp_path / "some font.sf2"
    named = re.escape(str(path))
    for content, message in (
        (
            BANK + b"!",
            rf"{named} has md5 {md5(BANK + b'!')}, not {md5(BANK)}; if it is the file you mean, write that md5$",
        ),
        (b"<html>", rf"{named} is no SoundFont: it begins with b'<html>'; name an SF2 or SF3 file$"),
        (None, rf"{named} cannot be read \(No such file or directory\); name an SF2 or SF3 file$"),
    ):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ArchiveError, match=f"^soundfonts: {message}"):
            provide_soundfonts([font], "irmas")


def test_a_url_is_fetched_once_into_the_cache(publisher: Publisher, cache: Path, waits: list[float]):
    font = SoundFontFile(at=publisher.url, md5=md5(publisher.content))
    kept = cache / "archives" / font.md5 / "archive.zip"
    for _ in range(2):
        assert provide_soundfonts([font], "irmas") == (kept,)
    assert kept.read_bytes() == publisher.content
    assert publisher.ranges == [None]
    assert font.problem() is None


def test_a_url_that_gives_another_file_or_none_is_named(publisher: Publisher, cache: Path, waits: list[float]):
    wrong = SoundFontFile(at=publisher.url, md5="0" * 32)
    with pytest.raises(ArchiveError, match=rf"md5 {'0' * 32} expected, {md5(publisher.content)} found"):
        provide_soundfonts([wrong], "irmas")
    gone = SoundFontFile(at="http://127.0.0.1:1/font.sf3", md5="0" * 32)
    with pytest.raises(
        ArchiveError,
        match=r"font\.sf3 could not be fetched .*or name a file of yours in the collection's soundfonts in params",
    ):
        provide_soundfonts([gone], "irmas")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"at": "fonts/a.sf2", "md5": "0" * 32}], r"must be an absolute path, begin with ~/, or be an http\(s\) URL"),
        ([{"at": "/a.sf2", "md5": "x"}], "md5: String should match pattern"),
        ([{"at": "/a.sf2"}], "md5"),
        (["FluidR3"], "TimGM6mb"),
    ],
)
def test_a_soundfont_that_is_not_pinned_or_known_is_refused(value: list[object], message: str):
    collections = read_yaml(ROOT / "params.yaml")["collections"]
    corpora, published = (collections[name]["corpora"] for name in ("miniature", "full"))
    with pytest.raises(ParamsError, match=message):
        validate({"source": "rendered", "soundfonts": value, "corpora": corpora}, CollectionParams)
    good = [SHIPPED, {"at": "/a.sf2", "md5": "0" * 32}]
    validate({"source": "rendered", "soundfonts": good, "corpora": corpora}, CollectionParams)
    with pytest.raises(ParamsError, match=r"soundfonts of a published collection must be \[\]: nothing is rendered"):
        validate({"source": "published", "soundfonts": [SHIPPED], "corpora": published}, CollectionParams)
    assert SOUNDFONTS.validate_python(good)[0] == SHIPPED


class Renderer(ModuleType):
    """Stands in for a layout: remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__("layout")
        self.asked: list[dict[str, object]] = []

    def render(self, folder: Path, truth: Path, **asked: object) -> None:
        self.asked.append(asked)
        truth.write_text("clip_id,flaw,detail\n")


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Renderer:
    stub = Renderer()
    for corpus in ("irmas", "esc50"):
        monkeypatch.setitem(sys.modules, f"instrumentarium.miniature.layouts.{corpus}", stub)
    return stub


def test_other_soundfonts_are_rendered_anew_and_the_same_by_content(
    renderer: Renderer, font: SoundFontFile, tmp_path: Path
):
    size = IrmasParams(use=True, train_recordings=2, test_songs=4)
    moved = tmp_path / "moved.sf2"
    moved.write_bytes(BANK)
    choices: list[list[SoundFontChoice]] = [
        [],
        [SHIPPED, font],
        [font],
        [SoundFontFile(at=str(moved), md5=font.md5)],
        [],
    ]
    for soundfonts in choices:
        leave_empty(tmp_path / "raw", tmp_path / "truth")
        render("irmas", size, 7, tmp_path / "raw", tmp_path / "truth", soundfonts)
    asked = [asked.get("soundfonts") for asked in renderer.asked]
    assert asked == [None, (None, font.path), (font.path,)]


def test_effects_are_drawn_from_the_same_soundfonts(renderer: Renderer, font: SoundFontFile, tmp_path: Path):
    groups = Esc50Groups(human=True, tonal=True, other=True)
    provide_archives(
        "esc50",
        Esc50Params(use=True, clips=10, groups=groups),
        "rendered",
        seed=7,
        soundfonts=[font],
        own=None,
        folder=tmp_path / "raw",
        truth=tmp_path / "truth",
    )
    assert renderer.asked == [{"seed": 7, "clips": 10, "soundfonts": (font.path,)}]


def test_the_licences_name_the_soundfonts(font: SoundFontFile):
    assert licences.rendered(CARD) == licences.rendered(CARD, [SHIPPED])
    alone, both = licences.rendered(CARD, [font]), licences.rendered(CARD, [SHIPPED, font])
    line = f"- samples: the SoundFont some font.sf2, md5 {font.md5}, under the licence that came with it"
    assert line in alone
    assert line in both
    assert "TimGM6mb" in both
    assert "TimGM6mb" not in alone
