"""What sounds when no instrument plays: the categories of ESC-50, and the groups they are tested in.

A recogniser that takes a siren for a trumpet, or laughter for singing, fails in ways that rain never shows, so its false
alarms are counted by group:

- `human`: a person, not singing; what could be taken for a voice, or for hands on a drum.
- `tonal`: a pitch or a call that could be taken for a note.
- `other`: noise, knocks and everything else without a pitch that lasts.
- `excluded`: musical instruments; no negative at all.

The categories are those of Piczak: ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015.
"""

from collections.abc import Mapping
from typing import Literal, get_args

Group = Literal["human", "tonal", "other", "excluded"]
GROUPS: tuple[Group, ...] = get_args(Group)

_CATEGORIES: Mapping[Group, str] = {
    "human": "crying_baby sneezing clapping breathing coughing laughing snoring",
    "tonal": "rooster cow cat sheep insects crickets chirping_birds siren car_horn clock_alarm train vacuum_cleaner",
    "other": (
        "dog pig frog hen crow rain sea_waves crackling_fire water_drops wind pouring_water toilet_flush thunderstorm "
        "footsteps brushing_teeth drinking_sipping door_wood_knock mouse_click keyboard_typing door_wood_creaks "
        "can_opening washing_machine clock_tick glass_breaking helicopter chainsaw engine airplane fireworks hand_saw"
    ),
    "excluded": "church_bells",
}
GROUP_OF: Mapping[str, Group] = {
    category: group for group, categories in _CATEGORIES.items() for category in categories.split()
}
"""The group of each of the 50 published categories."""


def group_of(category: str) -> Group:
    """Return the group of a category of ESC-50, as clips.csv holds it in `genre`; the group stands in `group`.

    Raises:
        ValueError: if it is not one of the 50.
    """
    group = GROUP_OF.get(category)
    if group is None:
        raise ValueError(f"{category!r} is no category of ESC-50; known: {', '.join(sorted(GROUP_OF))}")
    return group
