"""The training clips of the miniature IRMAS: recordings with one leading instrument, cut into clips of 3 s."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrumentarium.miniature.layouts.codes import CODES
from instrumentarium.miniature.music.harmony import GENRES, STYLES
from instrumentarium.miniature.music.instruments import ACCOMPANISTS, Player, draw_player
from instrumentarium.miniature.music.performance import Piece, draw_piece, perform
from instrumentarium.miniature.synthesis.randomness import between, choose, generator, happens
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts

TRAIN_FRAMES = 132_299
TRAIN_FOLDER = "IRMAS-TrainingData"
TAGS = {True: "dru", False: "nod"}
ACCOMPANIED = 0.25  # of the recordings; of one in two, a model learns the company that an instrument keeps
WRONG_LABELS = 4  # recordings whose clips name another instrument than the predominant one


@dataclass(frozen=True)
class TrainRecording:
    """One training recording: what its folder says, what truly leads, how its files are named."""

    label: str
    leader: str
    number: int  # the four digits
    clips: int
    genre: str
    tagged: bool  # whether the names carry an annotation number and a drum tag
    seed: int
    fonts: Fonts = SHIPPED

    @property
    def accompanied(self) -> bool:
        """Whether anyone plays along."""
        return happens(generator(self.seed, "irmas", "accompanied", self.number), ACCOMPANIED)


def plan_train(seed: int, recordings: int, fonts: Fonts = SHIPPED) -> list[TrainRecording]:
    """The training recordings, `recordings` an instrument; a few of them lead with another instrument than they say."""
    random = generator(seed, "irmas", "train", "plan")
    numbers = iter(int(number) for number in random.permutation(9999)[: len(CODES) * recordings] + 1)
    plan = [
        TrainRecording(
            label=code,
            leader=code,
            number=next(numbers),
            clips=int(random.integers(2, 4)),
            genre=choose(random, GENRES),
            tagged=happens(random, 0.3),
            seed=seed,
            fonts=fonts,
        )
        for code in CODES
        for _ in range(recordings)
    ]
    if recordings > 2:
        for index in sorted(int(i) for i in random.permutation(len(plan))[:WRONG_LABELS]):
            others = [code for code in CODES if code != plan[index].label]
            plan[index] = replace(plan[index], leader=choose(random, others))
    return plan


def draw_train_piece(recording: TrainRecording) -> Piece:
    """The players and the room of a training recording: one leads, in a quarter of them others follow quietly."""
    random = generator(recording.seed, "irmas", "train", "piece", recording.number)
    leader = draw_player(random, recording.leader, level_db=0.0)
    return draw_piece(random, recording.genre, [leader, *_accompaniment(random, recording)], recording.fonts)


def _accompaniment(random: np.random.Generator, recording: TrainRecording) -> list[Player]:
    if not recording.accompanied:
        return []
    names = []
    if happens(random, STYLES[recording.genre].drums):
        names.append("drums")
    if happens(random, 0.6):
        names.append("bass")
    while not names or (len(names) < 4 and happens(random, 0.4)):
        others = [code for code in CODES if code != recording.leader]
        names.append(choose(random, others) if happens(random, 0.3) else choose(random, ACCOMPANISTS[2:]))
    return [
        draw_player(random, name, level_db=-between(random, 8.0, 20.0) - 4.0 * (name in CODES), role="chords")
        for name in names
    ]


def render_train_clip(task: tuple[TrainRecording, int]) -> NDArray[np.int16]:
    """The (132299, 2) samples of one training clip."""
    recording, take = task
    random = generator(recording.seed, "irmas", "train", "clip", recording.number, take)
    return perform(random, draw_train_piece(recording), samples=TRAIN_FRAMES).samples


def train_name(recording: TrainRecording, take: int) -> str:
    """The archive member of a training clip."""
    piece = draw_train_piece(recording)
    drums = any(player.instrument == "drums" for player in piece.players)
    random = generator(recording.seed, "irmas", "train", "name", recording.number)
    annotation = int(random.integers(1, 1000))
    tag = "---" if happens(random, 0.05) else TAGS[drums]
    label, genre, number = recording.label, recording.genre, recording.number
    stem = f"{annotation:03d}__[{label}][{tag}][{genre}]" if recording.tagged else f"[{label}][{genre}]"
    return f"{TRAIN_FOLDER}/{label}/{stem}{number:04d}__{take}.wav"
