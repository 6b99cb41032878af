import pytest

from instrumentarium.corpora.own.manifest.names import InstrumentNameError, labels_from
from instrumentarium.tables.schemas import EVERY_OTHER


def playing(text: str) -> set[str]:
    return {name for name, plays in labels_from(text, "negative").items() if plays}


@pytest.mark.parametrize(
    "text",
    [
        *("gac,voi", "gac; voi", "gac|voi", "gac/voi", "gac+voi", "gac,voi,gac", " gac ,, voi; "),
        *("gac\t\nvoi\t\n", "gac\r\nvoi\r\n", "gac\tvoi"),
    ],
)
def test_a_list_may_be_joined_in_many_ways(text: str):
    assert playing(text) == {"gac", "voi"}


@pytest.mark.parametrize("name", ["Electric Guitar", "electric_guitar", "hi-hat", "Trompète", "гитара", "808"])
def test_any_name_is_a_label_as_it_is_spelled(name: str):
    assert playing(name) == playing(f"  {name} ") == {name}


def test_a_name_has_one_blank_for_every_run_of_blanks_and_composed_accents():
    assert playing("electric  \u00a0guitar") == {"electric guitar"}
    assert playing("trompe\u0300te") == {"tromp\u00e8te"}


def test_spellings_of_one_name_are_one_label():
    assert playing("Drums, drums, DRUMS") == {"Drums"}
    assert playing("electric-guitar; Electric Guitar") == {"electric-guitar"}


def test_absent_says_what_a_list_says_of_the_others():
    assert labels_from("vio", "negative") == {"vio": True, EVERY_OTHER: False}
    assert labels_from("vio", "unobserved") == {"vio": True}


@pytest.mark.parametrize("text", ["", "  ", ";", "\n"])
def test_an_empty_list_says_what_absent_says_of_all(text: str):
    assert labels_from(text, "negative") == {EVERY_OTHER: False}
    assert labels_from(text, "unobserved") == {}


@pytest.mark.parametrize("absent", ["negative", "unobserved"])
def test_none_and_a_question_mark_say_the_same_whatever_absent_is(absent):
    for text in ("none", "None", "negatives", " negative "):
        assert labels_from(text, absent) == {EVERY_OTHER: False}
    assert labels_from("?", absent) == {}


@pytest.mark.parametrize("text", ["none, cel", "cel;?", "?,none"])
def test_none_and_a_question_mark_stand_alone(text: str):
    with pytest.raises(InstrumentNameError, match=r"must stand alone, found"):
        labels_from(text, "negative")


def test_what_stands_for_all_others_is_nobodys_name():
    with pytest.raises(InstrumentNameError, match=r"'\*' is no instrument's name, found 'cel, \*'"):
        labels_from("cel, *", "negative")
