import pytest

from instrumentarium.tables.spelling import code_from, plain


def test_names_are_compared_without_case_blanks_and_marks():
    spellings = ("electric guitar", "Electric Guitar", "ELECTRIC_GUITAR", "electric-guitar", " electric \u00a0 guitar ")
    assert {plain(spelling) for spelling in spellings} == {"electric guitar"}
    assert plain("trompe\u0300te") == plain("tromp\u00e8te")
    assert plain("electric") != plain("electric guitar")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Banjo", "banjo"),
        ("Electric  Guitar", "electric_guitar"),
        ("hi-hat (open)", "hi_hat_open"),
        ("Trompète", "trompete"),
        ("808", "808"),
        ("_x_", "x"),
    ],
)
def test_a_code_is_made_of_small_letters_digits_and_underlines(name: str, code: str):
    assert code_from(name) == code


def test_a_name_in_another_script_gets_a_code_of_its_own():
    codes = {code_from(name) for name in ("гитара", "скрипка", "三味線")}
    assert len(codes) == 3
    assert all(code.isascii() and code.startswith("label_") for code in codes)
    assert code_from("Гитара") == code_from("гитара")
