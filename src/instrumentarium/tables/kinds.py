"""Kinds of instruments: what the name of one says of another, so that any taxonomy can use any corpus's labels.

A label stands for one or several names that it may mean: `guitar_acoustic` of NSynth is an acoustic guitar, its `reed` may
be a saxophone, a clarinet or another. An instrument of a taxonomy then is

- present, where each of these names is it or a kind of it: an alto saxophone is a saxophone;
- unknown, where only some are, where it is a kind of one of them (a saxophone may be an alto one or not), or where people
  use the words loosely (some call a cornet a trumpet, and a drum kit mostly has cymbals);
- not meant, in every other case: where a clip says that nothing else plays, it is absent.

What is certain was taken from what words mean, in the sense of Hornbostel and Sachs; whatever a taxonomy might see
otherwise stands under `LOOSE`, so that it counts neither way.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal

from instrumentarium.tables.spelling import plain

Verdict = Literal["present", "unknown", "other"]
ANYTHING = "anything"
"""A name for what may be any instrument: of it, all are unknown."""

_ALSO = {  # other words for the same
    "voice": "singing voice",
    "vocals": "singing voice",
    "singer": "singing voice",
    "sax": "saxophone",
    "drum set": "drums",
    "drum kit": "drums",
    "cymbal": "cymbals",
    "synth": "synthesizer",
    "electric bass": "bass guitar",
    "contrabass": "double bass",
    "horn": "french horn",
    "mallets": "mallet percussion",
    "violoncello": "cello",
    "cor anglais": "english horn",
    "high hat": "hi hat",
    "upright piano": "piano",
    "grand piano": "piano",
    "pipe organ": "church organ",
}
_KINDS = {  # what stands right of the colon is a kind of what stands left
    "guitar": "acoustic guitar, electric guitar",
    "electric guitar": "clean electric guitar, distorted electric guitar",
    "bass": "bass guitar",
    "saxophone": "soprano saxophone, alto saxophone, tenor saxophone, baritone saxophone",
    "singing voice": "female singer, male singer, choir, vocalists",
    "organ": "church organ, electronic organ",
    "mallet percussion": "xylophone, vibraphone, marimba, glockenspiel",
    "cymbals": "hi hat",
    "flute": "flute section",
    "clarinet": "clarinet section",
    "violin": "violin section, fiddle",
    "viola": "viola section",
    "cello": "cello section",
    "trumpet": "trumpet section",
    "trombone": "trombone section",
    "french horn": "french horn section",
    "synthesizer": "synthesizer lead, synthesizer pad",
}
LOOSE: Mapping[str, str] = {  # what stands right of the colon may or may not be meant by what stands left
    "bass": "double bass, synthesizer bass",
    "bass guitar": "synthesizer bass",
    "synthesizer": "synthesizer bass, synthesizer strings, synthesizer brass, synthesizer voice, electronic organ, "
    "electric piano, clavinet, sampler, theremin, drum machine",
    "piano": "electric piano, tack piano, toy piano",
    "organ": "harmonium, reed organ",
    "accordion": "bandoneon, concertina, melodica, harmonium, reed organ, harmonica",
    "flute": "piccolo, alto flute, recorder, panpipes, bamboo flute, dizi, whistle",
    "clarinet": "bass clarinet",
    "trumpet": "cornet, flugelhorn",
    "trombone": "bass trombone, euphonium",
    "violin": "synthesizer strings, erhu",
    "viola": "synthesizer strings",
    "cello": "synthesizer strings",
    "double bass": "synthesizer strings",
    "singing voice": "synthesizer voice, speaker, rapper, beatboxing, crowd",
    "guitar": "lap steel guitar, slide guitar",
    "acoustic guitar": "lap steel guitar, slide guitar",
    "electric guitar": "lap steel guitar, slide guitar",
    "banjo": "banjolele",
    "drums": "drum machine, snare drum, bass drum, kick drum, toms, hi hat, cymbals, percussion, timpani, tambourine, "
    "bongo, conga, tabla, darbuka, doumbek",
    "cymbals": "drums, drum machine, gong, triangle, percussion",
    "mallet percussion": "chimes, bells, celesta, percussion, tubular bells, music box, kalimba, steel drums, dulcimer",
    "mandolin": "bandola",
}


def _pairs(table: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((name, narrow.strip()) for name, listed in table.items() for narrow in listed.split(","))


_WIDER: dict[str, set[str]] = {}
for _wide, _narrow in _pairs(_KINDS):
    _WIDER.setdefault(_narrow, set()).add(_wide)
_LOOSELY = frozenset(_pairs(LOOSE))


def canonical(name: str) -> str:
    """Return a name as this module has it: in plain spelling, one word of several for the same."""
    spelled = plain(name)
    return _ALSO.get(spelled, spelled)


@cache
def names_implied(name: str) -> frozenset[str]:
    """Return all that an instrument of a canonical name is: itself, and what it is a kind of."""
    found, waiting = {name}, [name]
    while waiting:
        wider = _WIDER.get(waiting.pop(), set()) - found
        found |= wider
        waiting += wider
    return frozenset(found)


def verdict(meant: Iterable[str], instrument: str) -> Verdict:
    """Say what a label says of an instrument.

    Args:
        meant: the names of instruments that the label may mean, one of them in truth; ANYTHING may be among them.
        instrument: the name, or the code, of one of a taxonomy.

    Returns:
        "present", "unknown", or "other" where the label means something else.
    """
    asked, names = canonical(instrument), [canonical(name) for name in meant]
    if names and all(asked in names_implied(name) for name in names):
        return "present"
    return "unknown" if any(_related(name, asked) for name in names) else "other"


def _related(name: str, asked: str) -> bool:
    """Say whether what is called `name` may be what `asked` calls an instrument."""
    wider, theirs = names_implied(name), names_implied(asked)
    return (
        name == ANYTHING
        or asked in wider
        or name in theirs
        or any((mine, each) in _LOOSELY or (each, mine) in _LOOSELY for mine in theirs for each in wider)
    )
