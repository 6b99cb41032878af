"""Instruments drawn over several SoundFonts: by recording, the same again, over the same music."""

from pathlib import Path

import numpy as np
import pytest
from soundfont_banks import Sounding, bank

from instrumentarium.miniature.layouts.esc50 import Effect, plan, render_clip
from instrumentarium.miniature.layouts.irmas_training import draw_train_piece, plan_train, render_train_clip
from instrumentarium.miniature.layouts.shared import shared_recording
from instrumentarium.miniature.music.instruments import SOUNDS, draw_player
from instrumentarium.miniature.music.performance import draw_piece
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, SoundFontError


@pytest.fixture
def violin(tmp_path: Path) -> Path:
    """Return a SoundFont that has a violin alone."""
    time_s = np.arange(44_100) / 44_100
    path = tmp_path / "violin.sf2"
    samples = np.round(8000 * np.sign(np.sin(2 * np.pi * 441 * time_s))).astype(np.int16)
    path.write_bytes(bank([Sounding(samples, loop=(4410, 39_690))], program=SOUNDS["vio"][0].program))
    return path


def test_all_soundfonts_that_have_the_instrument_are_drawn(violin: Path):
    fonts = (None, violin)
    chosen = []
    for number in range(60):
        random = generator(3, "piece", number)
        players = [draw_player(random, "vio", level_db=0.0), draw_player(random, "pia", level_db=0.0)]
        piece = draw_piece(random, "cla", players, fonts)
        plain = draw_piece(generator(3, "piece", number), "cla", players)
        again = draw_piece(generator(3, "piece", number), "cla", players, fonts)
        assert [player.touch.font for player in plain.players] == [None, None]
        assert again.players == draw_piece(generator(3, "piece", number), "cla", players, fonts).players
        assert again.harmony == plain.harmony
        assert again.room == plain.room
        if piece.players[0].touch.program == SOUNDS["vio"][0].program:
            chosen.append(piece.players[0].touch.font)
        assert piece.players[1].touch.font is None
    assert min(chosen.count(None), chosen.count(violin)) > len(chosen) / 4 > 2


def test_effects_are_drawn_over_the_soundfonts_by_their_source(tmp_path: Path):
    noise = np.random.default_rng(0).integers(-8000, 8000, 44_100).astype(np.int16)
    applause = tmp_path / "applause.sf2"
    applause.write_bytes(bank([Sounding(noise, loop=(4410, 39_690))], program=126))

    def clips(*fonts: Path | None) -> list[np.ndarray]:
        return [render_clip(Effect("clapping", 1, source, "A", 7, fonts)) for source in range(8)]

    alone, shipped, both = clips(applause), clips(*SHIPPED), clips(None, applause)
    assert not any(np.array_equal(one, other) for one, other in zip(alone, shipped, strict=True))
    drawn = [np.array_equal(mixed, one) for mixed, one in zip(both, alone, strict=True)]
    assert drawn == [not np.array_equal(mixed, other) for mixed, other in zip(both, shipped, strict=True)]
    assert 0 < sum(drawn) < len(drawn)
    with pytest.raises(SoundFontError, match=r"program 125 \(a sound effect\)"):
        render_clip(Effect("helicopter", 1, 4, "A", 7, (applause,)))
    assert {each.fonts for each in plan(7, 20, (applause,))} == {(applause,)}


def test_clips_of_one_recording_have_the_same_instruments(violin: Path):
    plan = plan_train(7, 4, (None, violin))
    default = plan_train(7, 4)
    fonts = {}
    for recording, plain in zip(plan, default, strict=True):
        first, second = draw_train_piece(recording), draw_train_piece(recording)
        assert first == second
        assert [p.instrument for p in first.players] == [p.instrument for p in draw_train_piece(plain).players]
        fonts[recording.number] = first.players[0].touch.font
    number = next(number for number, font in fonts.items() if font == violin)
    other, same = (next(r for r in plans if r.number == number) for plans in (default, plan))
    assert not np.array_equal(render_train_clip((same, 1)), render_train_clip((other, 1)))
    np.testing.assert_array_equal(render_train_clip((same, 1)), render_train_clip((same, 1)))


def test_the_shipped_soundfont_named_is_the_default():
    np.testing.assert_array_equal(shared_recording(7), shared_recording(7, SHIPPED))


def test_an_instrument_that_no_soundfont_has_is_named(violin: Path):
    random = generator(3, "piece")
    players = [draw_player(random, "pia", level_db=0.0) for _ in range(99)]
    player = next(player for player in players if player.touch.program == 0)
    with pytest.raises(SoundFontError, match=r"has program 0 \(pia\); add TimGM6mb to soundfonts in params\.yaml"):
        draw_piece(random, "cla", [player], (violin,))
