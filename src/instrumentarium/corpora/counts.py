"""How many audio files a publisher's archives hold, and whether a parser has met them all.

Archives of a published collection are verified before they are read, so they hold what was published to the last byte:
where the counts differ, the parser has misread them, and no result of such a run could be trusted.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from instrumentarium.corpora.source import Rejection, SourceClip


@dataclass(frozen=True)
class Published:
    """A corpus's published counts: the audio files of each part, and which part a member belongs to.

    What cannot be used is counted as well: it was published. `part_of` gives None for members that are no audio.
    """

    counts: Mapping[str, int]
    part_of: Callable[[SourceClip | Rejection], str | None]

    @property
    def total(self) -> int:
        """All audio files."""
        return sum(self.counts.values())

    def differences(self, found: Mapping[str, int]) -> list[str]:
        """Say of every part that was published or found with another count: what was published, what was found."""
        counted = Counter(found)
        parts = [*self.counts, *sorted(set(found) - set(self.counts))]
        return [
            f"{part}: {self.counts.get(part, 0)} published, {counted[part]} found"
            for part in parts
            if counted[part] != self.counts.get(part, 0)
        ]
