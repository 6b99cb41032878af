"""What MedleyDB's instruments mean, by name (tables/kinds.py).

Source: its taxonomy, github.com/marl/medleydb, resources/taxonomy.yaml, version 1.0.
"""

from collections.abc import Mapping

from instrumentarium.tables.kinds import ANYTHING

_ITSELF = (
    "erhu, violin, viola, cello, double bass, violin section, viola section, cello section, acoustic guitar, banjo, "
    "guzheng, harp, harpsichord, liuqin, mandolin, oud, slide guitar, ukulele, zhongruan, sitar, dulcimer, yangqin, "
    "piano, tack piano, dizi, flute, flute section, piccolo, bamboo flute, panpipes, recorder, alto saxophone, "
    "baritone saxophone, bass clarinet, clarinet, clarinet section, tenor saxophone, soprano saxophone, oboe, english "
    "horn, bassoon, bagpipe, trumpet, cornet, trombone, french horn, euphonium, tuba, french horn section, trombone "
    "section, trumpet section, harmonica, concertina, accordion, bandoneon, harmonium, pipe organ, melodica, male "
    "singer, female singer, beatboxing, vocalists, crowd, triangle, sleigh bells, cowbell, cabasa, high hat, gong, "
    "guiro, gu, cymbal, chimes, castanet, claps, rattle, shaker, maracas, xylophone, vibraphone, marimba, "
    "glockenspiel, whistle, timpani, toms, snare drum, kick drum, bass drum, bongo, conga, tambourine, darbuka, "
    "doumbek, tabla, drum set, clean electric guitar, distorted electric guitar, electric bass, lap steel guitar, "
    "drum machine, electric piano, electronic organ, synthesizer, theremin"
)
_BRASS = ("trumpet", "trombone", "french horn", "tuba", "saxophone")
MEANINGS: Mapping[str, tuple[str, ...]] = {
    **{name.strip(): (name.strip(),) for name in _ITSELF.split(",")},
    "string section": ("violin", "viola", "cello", "double bass"),
    "brass section": _BRASS,
    "horn section": _BRASS,
    "male speaker": ("speaker",),
    "female speaker": ("speaker",),
    "male rapper": ("rapper",),
    "female rapper": ("rapper",),
    "auxiliary percussion": ("percussion",),
    "fx/processed sound": (ANYTHING,),
    "scratches": (ANYTHING,),  # of records of anything
    "sampler": (ANYTHING,),
    "Main System": (ANYTHING,),  # the microphones of a whole ensemble
    "Unlabeled": (ANYTHING,),
}
