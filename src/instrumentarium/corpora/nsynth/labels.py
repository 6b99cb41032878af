"""What NSynth's families and sources mean, by instruments' names (tables/kinds.py).

A label is `<family>_<source>`. A family may hold several instruments, and the source says how they sound: acoustic, by
electronics (electric or electronic instruments), or synthetic. A synthetic flute is neither a flute for certain nor
certainly something else.

Source: Engel et al. 2017, section 4, and the dataset's page.
"""

from collections.abc import Mapping

from instrumentarium.tables.kinds import ANYTHING

SOURCES = ("acoustic", "electronic", "synthetic")

_BOWED = ("violin", "viola", "cello", "double bass")
_BRASS = ("trumpet", "trombone", "french horn", "tuba", "cornet", "euphonium")
_REEDS = ("saxophone", "clarinet", "oboe", "bassoon", "english horn", "harmonica", "accordion")
_MALLETS = ("mallet percussion", "bells", "celesta", "steel drums", "kalimba")
_KEYS = ("piano", "harpsichord", "celesta", "clavichord")

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "bass_acoustic": ("double bass", "acoustic bass guitar"),
    "bass_electronic": ("bass guitar", "synthesizer bass"),
    "bass_synthetic": ("synthesizer bass",),
    "brass_acoustic": _BRASS,
    "brass_electronic": (*_BRASS, "synthesizer brass"),
    "brass_synthetic": (*_BRASS, "synthesizer brass"),
    "flute_acoustic": ("flute",),
    "flute_electronic": ("flute", "synthesizer"),
    "flute_synthetic": ("flute", "synthesizer"),
    "guitar_acoustic": ("acoustic guitar",),
    "guitar_electronic": ("electric guitar",),
    "guitar_synthetic": ("acoustic guitar", "electric guitar", "synthesizer"),
    "keyboard_acoustic": _KEYS,
    "keyboard_electronic": ("electric piano", "clavinet", "synthesizer"),
    "keyboard_synthetic": (*_KEYS, "electric piano", "clavinet", "synthesizer"),
    "mallet_acoustic": _MALLETS,
    "mallet_electronic": (*_MALLETS, "synthesizer"),
    "mallet_synthetic": (*_MALLETS, "synthesizer"),
    "organ_acoustic": ("organ",),
    "organ_electronic": ("electronic organ",),
    "organ_synthetic": ("electronic organ", "synthesizer"),
    "reed_acoustic": _REEDS,
    "reed_electronic": (*_REEDS, "synthesizer"),
    "reed_synthetic": (*_REEDS, "synthesizer"),
    "string_acoustic": _BOWED,
    "string_electronic": (*_BOWED, "synthesizer strings"),
    "string_synthetic": (*_BOWED, "synthesizer strings"),
    "synth_lead_acoustic": (ANYTHING,),  # listed by the publisher as a family and a source that do not occur together
    "synth_lead_electronic": ("synthesizer lead",),
    "synth_lead_synthetic": ("synthesizer lead",),
    "vocal_acoustic": ("singing voice",),
    "vocal_electronic": ("singing voice", "synthesizer voice"),
    "vocal_synthetic": ("singing voice", "synthesizer voice"),
}
