"""How many audio files a publisher's archives hold, and whether a parser has met them all and read their labels.

Archives of a published collection are verified before they are read, so they hold what was published to the last byte:
where the counts differ, the parser has misread them, and no result of such a run could be trusted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from instrumentarium.corpora.source.members import Rejection, SourceClip


def _no_labels(_: SourceClip | Rejection) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Published:
    """A corpus's published counts: the audio files of each part, and which part a member belongs to.

    What cannot be used is counted as well: it was published. `part_of` gives None for members that are no audio. Where a
    file may have several labels, `labels` holds how many files have each, and `labels_of` gives those of a member.
    """

    counts: Mapping[str, int]
    part_of: Callable[[SourceClip | Rejection], str | None]
    labels: Mapping[str, int] = field(default_factory=dict)
    labels_of: Callable[[SourceClip | Rejection], Iterable[str]] = _no_labels

    def of_parts(self, parts: Sequence[str] | None) -> Self:
        """Return the counts of some parts of the corpus only, whose names begin with the part's; None for all."""
        if parts is None:
            return self
        counts = {name: count for name, count in self.counts.items() if name.split()[0] in parts}
        return replace(self, counts=counts)

    @property
    def total(self) -> int:
        """All audio files."""
        return sum(self.counts.values())

    def met(self, member: SourceClip | Rejection) -> Iterator[str]:
        """Yield what a member adds one to: its part, and its labels."""
        part = self.part_of(member)
        if part is not None:
            yield part
        yield from self.labels_of(member)

    def differences(self, found: Mapping[str, int]) -> list[str]:
        """Say of every part and label whose count is not the published one: what was published, what was found."""
        counted, published = Counter(found), {**self.counts, **self.labels}
        names = [*published, *sorted(set(found) - set(published))]
        return [
            f"{name}: {published.get(name, 0)} published, {counted[name]} found"
            for name in names
            if counted[name] != published.get(name, 0)
        ]
