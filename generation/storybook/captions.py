"""Words for scenes: one scene is said in many ways, now and then with an attribute left out."""

from __future__ import annotations

from random import Random

from generation.storybook.light import TIME_PHRASES, WEATHER_PHRASES, Time, Weather
from generation.storybook.palette import COLOUR_NAMES
from generation.storybook.places import PLACES
from generation.storybook.scenes import Figure, Layout, Scene, Size, pick
from generation.storybook.styles import STYLE_PHRASES, Style
from generation.storybook.subjects import ITEMS, SUBJECTS

SIZE_WORDS: dict[Size, tuple[str, ...]] = {
    Size.SMALL: ("small", "tiny", "little"),
    Size.NORMAL: (),
    Size.BIG: ("big", "large", "huge", "giant"),
}
OPENINGS = (
    "a picture of",
    "a drawing of",
    "an illustration of",
    "a scene with",
    "there is",
    "we see",
    "i want",
    "show me",
    "draw",
    "please draw",
    "paint",
    "please paint",
    "imagine",
)
FORMS = (
    "{thing} {where}",
    "{thing} {where}",
    "{thing} {where}",
    "{thing} {where}",
    "{where}, {thing}",
    "{opening} {thing} {where}",
    "{thing}, {name}",
    "{name}, {thing}",
    "{thing} {verb} {where}",
)
VERBS = ("is", "stands", "sits", "lives", "standing", "sitting")
EMPTY_FORMS = ("{article} {name}", "{name}", "{opening} {article} {name}", "{where}", "an empty {name}")
JOINTS = ("and", "and", "next to", "beside", "with", "near")
LEFT_JOINTS = ("to the left of", "left of", "on the left of")
RIGHT_JOINTS = ("to the right of", "right of", "on the right of")
OVER_JOINTS = ("above", "over", "on top of")
UNDER_JOINTS = ("under", "below", "beneath", "underneath")
HOLDING = ("with", "holding", "and", "that holds")
PERCHING = ("on", "sitting on", "that sits on")
NUMBERS = {2: ("two", "two", "2", "a pair of"), 3: ("three", "three", "3")}
COLOURLESS = 0.08
COLOURLESS_AS_USUAL = 0.6
PLACELESS = 0.2
ARTICLES = ("a", "a", "a", "the", "one")
ARTICLES_OF_MANY = ("", "", "the", "some", "two")
FLUFF_BEFORE = ("cute", "beautiful", "lovely", "happy", "nice", "funny", "friendly", "pretty", "old", "young")
FLUFF_AFTER = (
    "masterpiece",
    "best quality",
    "highly detailed",
    "beautiful",
    "4k",
    "trending on artstation",
    "cute",
)


def _article(random: Random, rest: str) -> str:
    article = random.choice(ARTICLES)
    return "an" if article == "a" and rest[0] in "aeiou" else article


def _words(random: Random, figure: Figure, name: str) -> str:
    words = [name]
    usual = figure.colour in SUBJECTS[figure.subject].usual
    if random.random() > (COLOURLESS_AS_USUAL if usual else COLOURLESS):
        words.insert(0, random.choice(COLOUR_NAMES[figure.colour]))
    if random.random() < 0.05:
        words.insert(random.choice((0, len(words) - 1)), random.choice(FLUFF_BEFORE))
    sizes = SIZE_WORDS[figure.size]
    if sizes and random.random() < 0.6:
        words.insert(0, random.choice(sizes))
    return " ".join(words)


def _thing(random: Random, figure: Figure) -> str:
    phrase = _words(random, figure, random.choice(SUBJECTS[figure.subject].names))
    if random.random() > 0.1:
        phrase = f"{_article(random, phrase)} {phrase}"
    if figure.item is not None:
        item = ITEMS[figure.item]
        name = random.choice(item.names)
        phrase = f"{phrase} {random.choice(PERCHING if item.under else HOLDING)} {_article(random, name)} {name}"
    return phrase


def _side(figure: Figure, columns: int) -> str | None:
    offset = figure.middle - columns / 2
    if abs(offset) < 1:
        return None
    return "on the left" if offset < 0 else "on the right"


def _beside(random: Random, left: str, right: str) -> str:
    forms = {
        f"{left} {random.choice(LEFT_JOINTS)} {right}": 0.14,
        f"{right} {random.choice(RIGHT_JOINTS)} {left}": 0.14,
        f"{left} on the left and {right} on the right": 0.08,
        f"{left} {random.choice(JOINTS)} {right}": 0.64,
    }
    return pick(random, forms)


def _above(random: Random, upper: str, lower: str) -> str:
    forms = {
        f"{upper} {random.choice(OVER_JOINTS)} {lower}": 0.6,
        f"{lower} {random.choice(UNDER_JOINTS)} {upper}": 0.4,
    }
    return pick(random, forms)


def _joined(random: Random, scene: Scene) -> str:
    """The figures of a scene and how they stand to one another."""
    figures = scene.figures
    things = [_thing(random, figure) for figure in figures]
    match scene.layout:
        case Layout.ALONE:
            side = _side(figures[0], scene.columns)
            return f"{things[0]} {side}" if side is not None and random.random() < 0.2 else things[0]
        case Layout.BESIDE:
            return _beside(random, *things)
        case Layout.ABOVE:
            return _above(random, *things)
        case Layout.ALIKE:
            words = _words(random, figures[0], SUBJECTS[figures[0].subject].plural)
            return f"{random.choice(NUMBERS[len(figures)])} {words}"
        case _:
            return f"{things[0]}, {things[1]} and {things[2]}"


def _surroundings(random: Random, scene: Scene) -> list[str]:
    """What is said of time and weather."""
    said = []
    if random.random() < (0.05 if scene.time is Time.DAY else 0.92):
        said.append(random.choice(TIME_PHRASES[scene.time]))
    if random.random() < (0.04 if scene.weather is Weather.CLEAR else 0.92):
        said.append(random.choice(WEATHER_PHRASES[scene.weather]))
    random.shuffle(said)
    return said


def describe(scene: Scene, random: Random) -> str:
    """One way of saying what the scene shows, in lower case."""
    place = PLACES[scene.place]
    where, name = random.choice(place.phrases), random.choice(place.names)
    around = _surroundings(random, scene)
    opening = random.choice(OPENINGS)
    if scene.layout is Layout.EMPTY:
        text = random.choice(EMPTY_FORMS).format(
            article=_article(random, name), name=name, opening=opening, where=where
        )
    else:
        thing = _joined(random, scene)
        form = "{thing}" if random.random() < PLACELESS else random.choice(FORMS)
        text = form.format(thing=thing, where=where, name=name, opening=opening, verb=random.choice(VERBS))
    for phrase in around:
        joint = random.choice((" ", " ", ", "))
        text = f"{phrase}, {text}" if random.random() < 0.15 else f"{text}{joint}{phrase}"
    if random.random() < (0.04 if scene.style is Style.FLAT else 0.95):
        style = random.choice(STYLE_PHRASES[scene.style])
        text = random.choice(("{text}, {style}", "{text}, {style}", "{style}, {text}")).format(
            text=text, style=style
        )
    if random.random() < 0.06:
        text = f"{text}, {', '.join(random.sample(FLUFF_AFTER, k=random.randint(1, 2)))}"
    return text


def known_words() -> tuple[str, ...]:
    """Every word that a caption can hold, sorted."""
    phrases = [*OPENINGS, *JOINTS, *LEFT_JOINTS, *RIGHT_JOINTS, *OVER_JOINTS, *UNDER_JOINTS, *HOLDING, *PERCHING]
    phrases += [
        *VERBS,
        *ARTICLES,
        *ARTICLES_OF_MANY,
        *FLUFF_BEFORE,
        *FLUFF_AFTER,
        "an empty of",
        "on the left",
        "on the right",
    ]
    for choices in (SIZE_WORDS, NUMBERS, COLOUR_NAMES, TIME_PHRASES, WEATHER_PHRASES, STYLE_PHRASES):
        for words in choices.values():
            phrases.extend(words)
    for subject in SUBJECTS.values():
        phrases.extend((*subject.names, subject.plural))
    for item in ITEMS.values():
        phrases.extend(item.names)
    for place in PLACES.values():
        phrases.extend((*place.phrases, *place.names))
    return tuple(sorted({word for phrase in phrases for word in phrase.replace(",", " ").split()}))
