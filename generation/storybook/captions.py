"""Words for scenes: one scene is said in many ways, now and then with an attribute left out."""

from __future__ import annotations

from random import Random

from generation.storybook.palette import COLOURS
from generation.storybook.places import PLACES
from generation.storybook.scenes import CELLS, Figure, Scene, Size
from generation.storybook.subjects import SUBJECTS

SIZE_WORDS: dict[Size, tuple[str, ...]] = {
    Size.SMALL: ("small", "tiny", "little"),
    Size.NORMAL: (),
    Size.BIG: ("big", "large", "huge"),
}
OPENINGS = ("a picture of", "a drawing of", "there is", "we see", "i want", "draw", "please draw", "imagine")
FORMS = (
    "{thing} {where}",
    "{thing} {where}",
    "{thing} {where}",
    "{where}, {thing}",
    "{opening} {thing} {where}",
    "{thing}, {name}",
    "{name}, {thing}",
    "{thing} is {where}",
    "{thing} stands {where}",
)
JOINTS = ("and", "next to", "beside", "with")
ARTICLES = ("a", "a", "a", "the", "one")


def _article(random: Random, rest: str) -> str:
    article = random.choice(ARTICLES)
    return "an" if article == "a" and rest[0] in "aeiou" else article


def _thing(random: Random, figure: Figure) -> str:
    words = [random.choice(SUBJECTS[figure.subject].names)]
    if random.random() > 0.08:
        words.insert(0, figure.colour)
    sizes = SIZE_WORDS[figure.size]
    if sizes and random.random() < 0.9:
        words.insert(0, random.choice(sizes))
    phrase = " ".join(words)
    return phrase if random.random() < 0.1 else f"{_article(random, phrase)} {phrase}"


def _side(figure: Figure) -> str | None:
    offset = 2 * figure.left + figure.side - CELLS
    if offset == 0:
        return None
    return "on the left" if offset < 0 else "on the right"


def describe(scene: Scene, random: Random) -> str:
    """One way of saying what the scene shows, in lower case."""
    place = PLACES[scene.place]
    thing = f" {random.choice(JOINTS)} ".join(_thing(random, figure) for figure in scene.figures)
    if len(scene.figures) == 1:
        side = _side(scene.figures[0])
        if side is not None and random.random() < 0.7:
            thing = f"{thing} {side}"
    if random.random() < 0.06:
        return thing
    return random.choice(FORMS).format(
        thing=thing,
        where=random.choice(place.phrases),
        name=random.choice(place.names),
        opening=random.choice(OPENINGS),
    )


def known_words() -> tuple[str, ...]:
    """Every word that a caption can hold, sorted."""
    phrases = [*COLOURS, *OPENINGS, *JOINTS, *ARTICLES, "an", "is", "stands", "on the left", "on the right"]
    for sizes in SIZE_WORDS.values():
        phrases.extend(sizes)
    for subject in SUBJECTS.values():
        phrases.extend(subject.names)
    for place in PLACES.values():
        phrases.extend((*place.phrases, *place.names))
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
