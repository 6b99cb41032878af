import pytest

from instrumentarium.corpora.esc50.groups import GROUP_OF, GROUPS, group_of

PUBLISHED = """
    dog rooster pig cow frog cat hen insects sheep crow
    rain sea_waves crackling_fire crickets chirping_birds water_drops wind pouring_water toilet_flush thunderstorm
    crying_baby sneezing clapping breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping
    door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening washing_machine vacuum_cleaner
    clock_alarm clock_tick glass_breaking
    helicopter chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw
""".split()


def test_the_groups_cover_the_published_categories_and_no_other():
    assert len(PUBLISHED) == 50
    assert sorted(GROUP_OF) == sorted(PUBLISHED)
    assert set(GROUP_OF.values()) == set(GROUPS)


def test_only_bells_are_left_out_and_hard_negatives_stand_apart():
    assert [category for category, group in GROUP_OF.items() if group == "excluded"] == ["church_bells"]
    assert {group_of(category) for category in ("laughing", "crying_baby")} == {"human"}
    assert {group_of(category) for category in ("siren", "car_horn", "clock_alarm", "rooster")} == {"tonal"}
    assert group_of("rain") == "other"


def test_what_is_no_category_is_named():
    with pytest.raises(ValueError, match=r"'violin' is no category of ESC-50; known: airplane, breathing, .*, wind"):
        group_of("violin")
