import pytest

from instrumentarium.corpora.own.manifest.names import InstrumentNameError, labels_from
from instrumentarium.tables.taxonomy import CODES, INSTRUMENTS


def playing(text: str) -> set[str]:
    return {code for code, plays in labels_from(text, "negative").items() if plays}


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.code)
def test_every_code_and_name_is_understood_in_any_spelling(instrument):
    spellings = {instrument.code, instrument.name}
    spellings |= {word.upper() for word in spellings} | {word.title() for word in spellings}
    spellings |= {word.replace(" ", mark) for word in spellings for mark in ("_", "-", "  ", "\u00a0")}
    for spelling in spellings:
        assert playing(spelling) == {instrument.code}, spelling


@pytest.mark.parametrize(
    "text",
    [
        *("gac,voi", "gac; voi", "gac voi", "gac-voi", "gac|voi", "gac/voi", "gac+voi", "voi gac voi"),
        *("acoustic guitar, singing voice", "acoustic guitar singing voice", "gac-singing_voice", " GAC ,, voi; "),
        *("gac\t\nvoi\t\n", "gac\r\nvoi\r\n"),
    ],
)
def test_a_list_may_be_joined_in_many_ways(text: str):
    assert playing(text) == {"gac", "voi"}


def test_absent_says_what_a_list_says_of_the_others():
    assert labels_from("vio", "negative") == {code: code == "vio" for code in CODES}
    assert labels_from("vio", "unobserved") == {"vio": True}


@pytest.mark.parametrize("text", ["", "  ", ";", "\n"])
def test_an_empty_list_says_what_absent_says_of_all(text: str):
    assert labels_from(text, "negative") == dict.fromkeys(CODES, False)
    assert labels_from(text, "unobserved") == {}


@pytest.mark.parametrize("absent", ["negative", "unobserved"])
def test_none_and_a_question_mark_say_the_same_whatever_absent_is(absent):
    for text in ("none", "None", "negatives", " negative "):
        assert labels_from(text, absent) == dict.fromkeys(CODES, False)
    assert labels_from("?", absent) == {}


@pytest.mark.parametrize(
    ("text", "unknown", "meant"),
    [
        ("celo", "celo", "cello"),
        ("vio, pianno", "pianno", "piano"),
        ("acustic guitar", "acustic guitar", "acoustic guitar"),
    ],
)
def test_an_unknown_instrument_is_told_with_all_known_and_the_likeliest(text: str, unknown: str, meant: str):
    with pytest.raises(InstrumentNameError) as error:
        labels_from(text, "negative")
    assert str(error.value).startswith(f"unknown instrument {unknown!r} (known: cel (cello), cla (clarinet), ")
    assert str(error.value).endswith(f"voi (singing voice)); did you mean {meant!r}?")


def test_what_is_like_no_instrument_gets_no_guess():
    with pytest.raises(InstrumentNameError, match=r"^unknown instrument 'xyzzy' \(known: [^?]*\)$"):
        labels_from("gac xyzzy", "negative")


@pytest.mark.parametrize("text", ["none, cel", "cel;?", "?,?"])
def test_none_and_a_question_mark_stand_alone(text: str):
    with pytest.raises(InstrumentNameError, match=r"must stand alone, found"):
        labels_from(text, "negative")
