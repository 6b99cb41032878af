import pytest

from instrumentarium.corpora.source.clip_licences import read_licences, short_name


@pytest.mark.parametrize(
    ("title", "url", "expected"),
    [
        ("Attribution", "http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0"),
        ("Attribution-ShareAlike", "https://creativecommons.org/licenses/by-sa/3.0", "CC BY-SA 3.0"),
        ("whatever it says", "http://creativecommons.org/licenses/by-nc-sa/3.0/us/", "CC BY-NC-SA 3.0 US"),
        ("", "http://creativecommons.org/licenses/by-nc-nd/4.0/legalcode", "CC BY-NC-ND 4.0"),
        ("CC0", "http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("Public Domain Mark 1.0", "http://creativecommons.org/publicdomain/mark/1.0/", "Public Domain Mark 1.0"),
        ("Free Art\n  License", "http://artlibre.org/licence/lal/en", "Free Art License"),
        ("", "http://artlibre.org/licence/lal/en", "http://artlibre.org/licence/lal/en"),
        ("", "", "unknown"),
        (" ", "\n", "unknown"),
    ],
)
def test_a_licence_goes_by_its_short_name(title: str, url: str, expected: str):
    assert short_name(title, url) == expected


def test_licences_come_by_key_and_contradictions_are_unknown():
    by = {"license_title": "", "license_url": "http://creativecommons.org/licenses/by/4.0/"}
    free = {"license_title": "CC0", "license_url": None}
    rows = [
        {"sample_key": key} | licence
        for key, licence in (("a", by), ("b", by), ("a", free), (None, free), (" c ", free))
    ]
    assert read_licences(rows) == {"a": "unknown", "b": "CC BY 4.0", "c": "CC0"}
    assert read_licences([*rows, {"sample_key": "a"} | by])["a"] == "unknown"
