"""What Slakh's program numbers mean, by instruments' names (tables/kinds.py).

A label is a stem's `program_num`: that of General MIDI from 0, or 128 for drums. Its publisher played each program with one
of 187 sampled instruments of 34 classes, so a program need not sound as General MIDI names it: an accordion may be an
organ, a harpsichord a piano. Where a class holds several, the label may mean any of them.

Source: Manilow et al. 2019, and the metadata.yaml of tracks, which name each stem's sampled instrument.
"""

from collections.abc import Mapping

from instrumentarium.tables.kinds import ANYTHING

DRUMS = "128"

_BOWED = ("violin", "viola", "cello", "double bass")
_OF: tuple[tuple[range, tuple[str, ...]], ...] = (
    (range(2), ("piano",)),
    (range(2, 3), ("electric piano", "piano")),
    (range(3, 4), ("piano",)),
    (range(4, 6), ("electric piano",)),
    (range(6, 8), ("piano", "harpsichord", "clavinet")),
    (range(8, 16), ("mallet percussion", "celesta", "bells", "music box", "dulcimer")),
    (range(16, 20), ("organ",)),
    (range(20, 24), ("organ", "accordion", "harmonica", "reed organ")),
    (range(24, 26), ("acoustic guitar",)),
    (range(26, 29), ("clean electric guitar",)),
    (range(29, 31), ("distorted electric guitar",)),
    (range(31, 32), ("acoustic guitar", "electric guitar")),
    (range(32, 33), ("double bass",)),
    (range(33, 35), ("bass guitar",)),
    (range(35, 36), ("bass guitar", "double bass")),
    (range(36, 38), ("bass guitar",)),
    (range(38, 40), ("bass guitar", "synthesizer bass")),
    (range(40, 41), ("violin",)),
    (range(41, 42), ("viola",)),
    (range(42, 43), ("cello",)),
    (range(43, 44), ("double bass",)),
    (range(44, 46), _BOWED),
    (range(46, 47), ("harp",)),
    (range(47, 48), ("timpani",)),
    (range(48, 52), (*_BOWED, "synthesizer strings")),
    (range(52, 55), ("choir", "synthesizer voice")),
    (range(55, 56), (ANYTHING,)),  # the hit of a whole orchestra
    (range(56, 57), ("trumpet",)),
    (range(57, 58), ("trombone",)),
    (range(58, 59), ("tuba",)),
    (range(59, 60), ("trumpet",)),
    (range(60, 61), ("french horn",)),
    (range(61, 64), ("trumpet", "trombone", "french horn", "tuba", "saxophone", "synthesizer brass")),
    (range(64, 65), ("soprano saxophone", "alto saxophone")),
    (range(65, 66), ("alto saxophone",)),
    (range(66, 67), ("tenor saxophone",)),
    (range(67, 68), ("baritone saxophone",)),
    (range(68, 69), ("oboe",)),
    (range(69, 70), ("english horn",)),
    (range(70, 71), ("bassoon",)),
    (range(71, 72), ("clarinet",)),
    (range(72, 73), ("piccolo", "flute")),
    (range(73, 74), ("flute",)),
    (range(74, 80), ("flute", "recorder", "panpipes", "whistle", "ocarina")),
    (range(80, 88), ("synthesizer lead",)),
    (range(88, 96), ("synthesizer pad",)),
    (range(96, 112), (ANYTHING,)),  # effects, and instruments that none of the 34 classes has
    (range(112, 120), ("percussion", "steel drums", "drums")),
    (range(120, 128), ("sound effect",)),
    (range(128, 129), ("drums",)),
)
MEANINGS: Mapping[str, tuple[str, ...]] = {str(number): names for numbers, names in _OF for number in numbers}
