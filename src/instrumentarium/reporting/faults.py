"""What is known to be wrong with the published corpora, and who says so; for people, no stage acts on it.

Not among the parsers: what is known of a corpus changes more often than how its archives are read, and would otherwise have
every archive decoded again.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A known fault: what it is, and where it was stated or how it was found."""

    text: str
    source: str


FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "irmas": (
        Fault(
            "A training clip names its predominant instrument only; others may sound, and their absence is an assumption "
            "(the parameter labels.irmas_train_absent).",
            "the dataset card",
        ),
        Fault(
            "Of 297 training clips labelled anew by ear, 47.8 % were exactly right, and 13.8 % lacked the labelled "
            "instrument; the saxophone and the clarinet fared worst.",
            "a published study of 297 clips",
        ),
        Fault(
            "33 training clips occur twice under one recording's number, once with a drum tag and once without; 19 pairs "
            "of recordings are one and the same, which makes 56 more equal clips. Three of these pairs are labelled "
            "acoustic guitar in one copy and electric guitar in the other.",
            "equal pitch, tempo and onset values in published listings",
        ),
        Fault(
            "Few songs of the test set hold some instruments: 8 the clarinet, 14 the cello; one song has up to 47 clips.",
            "the label files of all 2,874 test clips",
        ),
    ),
    "openmic": (
        Fault(
            "About 10 % of the 400,000 pairs of clip and instrument have a label. The others are unknown, not absent.",
            "the label table; Humphrey, Durand, McFee 2018",
        ),
        Fault("10 source tracks are corrupted.", "the publisher"),
        Fault("The class guitar does not tell acoustic from electric.", "the list of classes"),
    ),
    "esc50": (
        Fault(
            "One category is a musical instrument (church bells) and is left out; human and tonal sounds are close to "
            "voices and winds, so false predictions on them are counted apart.",
            "the categories; Piczak 2015",
        ),
        Fault("The archive has no stable checksum, so its content is verified in its place.", "the publisher"),
    ),
    "nsynth": (
        Fault(
            "The publisher states no checksum; an archive is held to its own and to the published counts.", "the page"
        ),
        Fault("The parts valid and test share their instruments; only train has its own.", "Engel et al. 2017"),
    ),
    "musicnet": (
        Fault("Notes were aligned to the audio by machine; about 4 % of them are wrong.", "Thickstun et al. 2017"),
    ),
    "slakh": (
        Fault(
            "It is rendered, and a program need not sound as General MIDI names it: a harmonica may be an organ.",
            "the metadata.yaml of tracks, which name the sampled instruments",
        ),
    ),
    "medleydb": (
        Fault(
            "Activations were computed from the stems' energy, and some stems bleed into others.", "Bittner et al. 2014"
        ),
    ),
}
"""By corpus; one without an entry has none that is known."""
