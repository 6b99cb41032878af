import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from instrumentarium.acquisition import licences
from instrumentarium.acquisition.download import card_of
from instrumentarium.corpora.source.card import Card
from instrumentarium.corpora.source.params import RENDERED, Corpus

CARDS = [card_of(corpus) for corpus in RENDERED]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.corpus)
def test_the_file_names_every_licence_archive_and_the_citation(card: Card):
    text = licences.published(card)
    assert text.startswith(f"# {card.title}: licences\n\n")
    assert text.endswith(f"{card.citation}\n")
    assert card.licences
    for licence in card.licences:
        for part in (licence.covers, licence.name, licence.url, licence.forbids):
            assert part in text
    for archive in card.archives:
        assert f"- {archive.name}, " in text
        assert f"<{archive.url}>" in text
        assert f"md5 {archive.md5}" in text if archive.md5 else "verified by its content" in text
    assert card.page in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.corpus)
def test_a_card_is_complete(card: Card):
    assert card.page.startswith("https://")
    assert all(archive.url.startswith(card.page) for archive in card.archives)
    assert all((archive.md5 is None) == (archive.content_problem is not None) for archive in card.archives)
    assert any(licence.forbids for licence in card.licences)


@pytest.mark.parametrize(
    ("corpus", "says"),
    [
        ("irmas", ["CC BY-NC-SA 3.0", "no commercial use, no passing on"]),
        ("openmic", ["CC BY 4.0", "a Creative Commons licence of its own", "`licence` column of the clip table"]),
        ("esc50", ["CC BY-NC 3.0", "no commercial use", "ESC-10"]),
    ],
)
def test_what_the_publishers_say(corpus: Corpus, says: list[str]):
    assert all(part in licences.published(card_of(corpus)) for part in says)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.corpus)
def test_a_rendered_corpus_is_not_the_publishers(card: Card):
    text = licences.rendered(card)
    assert text.startswith(f"# {card.title}, miniature: licences\n\n")
    assert "TimGM6mb SoundFont" in text
    assert "GPL 2" in text
    assert "none of its audio" in text
    assert card.citation in text
    assert not any(licence.name in text for licence in card.licences)
    assert not any(archive.url in text for archive in card.archives)


def test_terms_are_shown_once_and_again_when_they_change(cache: Path, caplog: pytest.LogCaptureFixture):
    openmic = card_of("openmic")
    licences.show_once(openmic)
    assert "OpenMIC-2018 comes with terms" in caplog.text
    assert "\n  - labels: CC BY 4.0 (<https://creativecommons.org/licenses/by/4.0/>)\n" in caplog.text
    assert "`licence` column" in caplog.text
    assert (cache / "licences" / "openmic.md").read_text(encoding="utf-8") == licences.published(openmic)
    caplog.clear()
    licences.show_once(openmic)
    assert caplog.text == ""
    licences.show_once(card_of("esc50"))
    assert "ESC-50 comes with terms" in caplog.text
    caplog.clear()
    (cache / "licences" / "openmic.md").write_text("older terms", encoding="utf-8")
    licences.show_once(openmic)
    assert "OpenMIC-2018 comes with terms" in caplog.text


@pytest.mark.parametrize("corpus", RENDERED)
def test_parsers_pass_over_the_file(
    corpus: Corpus, tmp_path: Path, audio: Callable[..., bytes], tone: Callable[..., object], request
):
    clip = audio(tone())
    if corpus == "irmas":
        request.getfixturevalue("write_irmas")(tmp_path, test=[("song-1.wav", clip), ("song-1.txt", b"pia\t\n")])
    elif corpus == "openmic":
        ogg = audio(tone(), kind="OGG", subtype="VORBIS")
        write = request.getfixturevalue("write_openmic")
        write(tmp_path, {"000046_3840": ogg}, ["000046_3840,flute,1.0,3"], ["000046_3840"], [])
    else:
        rows = ["1-100-A-0.wav,1,0,dog,True,100,A"]
        request.getfixturevalue("write_esc50")(tmp_path, {"1-100-A-0.wav": clip}, rows)
    parser = importlib.import_module(f"instrumentarium.corpora.{corpus}.parser")
    choices = {"groups": {"human": True, "tonal": True, "other": True}} if corpus == "esc50" else {}
    alone = list(parser.read_clips(tmp_path, **choices))
    (tmp_path / licences.FILE).write_text(licences.published(card_of(corpus)), encoding="utf-8")
    assert list(parser.read_clips(tmp_path, **choices)) == alone
    assert alone
