"""A judge that is not the model: it finds the drawn scene that a generated picture is most like.

Asked about plain prompts of one subject, it compares with every subject, colour and place in every variant and
position, so that its answer can be wrong in each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES, VARIANTS
from generation.storybook.scenes import CELLS, GROUND, SIDES, Figure, Scene, Size, draw
from generation.storybook.subjects import SUBJECTS

SIDE = 32
OFFSETS = (-3, 0, 3)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a picture shows."""

    subject: str
    colour: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Adherence:
    """Shares, from 0 to 1, of pictures that show what their prompt asks."""

    pictures: int
    subject: float
    colour: float
    place: float


class Judge:
    """Holds every plain scene as a row of numbers; drawing them takes some seconds."""

    def __init__(self) -> None:
        side = SIDES[Size.NORMAL]
        self.verdicts: list[Verdict] = []
        rows = []
        choices = product(SUBJECTS, COLOURS, PLACES, range(VARIANTS), OFFSETS)
        for subject, colour, place, variant, offset in choices:
            top = (CELLS - side) // 2 if SUBJECTS[subject].flies else GROUND - side
            left = (CELLS - side) // 2 + offset
            figure = Figure(subject=subject, colour=colour, size=Size.NORMAL, left=left, top=top, side=side)
            rows.append(self._row(draw(Scene(place=place, variant=variant, figures=(figure,)), side=SIDE)))
            self.verdicts.append(Verdict(subject=subject, colour=colour, place=place))
        self.rows = np.stack(rows)
        self.squares = np.square(self.rows).sum(axis=1)

    @staticmethod
    def _row(picture: Image.Image) -> npt.NDArray[np.float32]:
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32).reshape(-1) / np.float32(255)

    def verdict(self, picture: Image.Image) -> Verdict:
        """What the most similar drawn scene shows."""
        distances = self.squares - 2 * self.rows @ self._row(picture)
        return self.verdicts[int(distances.argmin())]

    def adherence(self, pictures: list[Image.Image], wanted: list[Verdict]) -> Adherence:
        """How often the verdict is what was wanted."""
        found = [self.verdict(picture) for picture in pictures]
        pairs = list(zip(found, wanted, strict=True))
        return Adherence(
            pictures=len(pairs),
            subject=sum(a.subject == b.subject for a, b in pairs) / len(pairs),
            colour=sum(a.colour == b.colour for a, b in pairs) / len(pairs),
            place=sum(a.place == b.place for a, b in pairs) / len(pairs),
        )


def plain_prompts(count: int) -> list[tuple[str, Verdict]]:
    """Prompts of one subject in a colour and a place, with what they want, evenly over all of them."""
    subjects, colours, places = list(SUBJECTS), list(COLOURS), list(PLACES)
    prompts = []
    for index in range(count):
        wanted = Verdict(
            subject=subjects[index % len(subjects)],
            colour=colours[(index * 3 + index // len(colours)) % len(colours)],
            place=places[(index * 4 + index // len(places)) % len(places)],
        )
        article = "an" if wanted.colour == "orange" else "a"
        prompts.append((f"{article} {wanted.colour} {wanted.subject} {PLACES[wanted.place].phrases[0]}", wanted))
    return prompts
