"""What the evaluation asks a model: prompts of seeds that no training uses, with what their pictures should show.

Half of them are captions as `captions.py` makes them, half are sentences that a person would type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count as numbers
from itertools import cycle, islice
from random import Random
from typing import TypeVar

from generation.storybook.captions import HOLDING, LEFT_JOINTS, NUMBERS, RIGHT_JOINTS, describe
from generation.storybook.judge import Sight, Verdict, truth
from generation.storybook.light import TIME_PHRASES, WEATHER_PHRASES, Time, Weather
from generation.storybook.palette import COLOUR_NAMES, COLOURS
from generation.storybook.places import PLACES
from generation.storybook.scenes import CELLS, Layout, Scene, Size, invent, seeded
from generation.storybook.styles import STYLE_PHRASES, Style
from generation.storybook.subjects import ITEMS, SUBJECTS

Thing = TypeVar("Thing")
SQUARE = (CELLS, CELLS)
FIRST_SEED = 800_000_000
SENTENCES = (
    "{thing} {where}",
    "{where} there is {thing}",
    "Draw me {thing} {where}, please.",
    "could you paint {thing} {where}?",
    "I would like to see {thing} {where}",
    "{thing}. It is {where}.",
    "{thing}, {name}",
    "a picture for my daughter: {thing} {where}",
)
JOINTS: tuple[tuple[str, Layout | None, bool], ...] = (
    ("and", None, False),
    ("to the left of", Layout.BESIDE, False),
    ("together with", None, False),
    ("above", Layout.ABOVE, False),
    ("next to", None, False),
    ("to the right of", Layout.BESIDE, True),
    ("beside", None, False),
    ("under", Layout.ABOVE, True),
)


class Kind(StrEnum):
    """What a question is about."""

    ONE = "one subject"
    TWO = "two subjects"
    TIME = "time of day"
    WEATHER = "weather"
    STYLE = "style"
    NUMBER = "counts"
    UNCOLOURED = "no colour named"
    REPAINT = "image to image"
    HELD = "held things"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A prompt and what it wants, None where it says nothing.

    Its `wanted.layout` is given where it says who is on the left or above. `source` is the scene that image to
    image starts with.
    """

    kind: Kind
    prompt: str
    wanted: Verdict
    source: Scene | None = None


def questions(kind: Kind, count: int) -> list[Question]:
    """So many questions of a kind, the same in every run."""
    random = seeded(FIRST_SEED + list(Kind).index(kind))
    match kind:
        case Kind.ONE | Kind.TWO:
            layouts = {Layout.ALONE} if kind is Kind.ONE else {Layout.BESIDE, Layout.ABOVE}
            typed = _singles(random, kind, count // 2) if kind is Kind.ONE else _pairs(random, count // 2)
            return [*islice(_captions(kind, layouts), count - count // 2), *typed]
        case Kind.REPAINT:
            return list(islice(_repaints(random), count))
        case Kind.NUMBER:
            return _numbers(random, count)
        case Kind.HELD:
            return _held(random, count)
        case _:
            return _singles(random, kind, count)


def _evenly(random: Random, choices: Sequence[Thing], count: int) -> list[Thing]:
    """So many of the choices, each as often as the others, mixed."""
    found = list(islice(cycle(random.sample(choices, k=len(choices))), count))
    random.shuffle(found)
    return found


def _thing(random: Random, colour: str | None, subject: str) -> str:
    """A figure in one of the singular nouns that people have for it, such as "an orange kitten"."""
    noun = random.choice([name for name in SUBJECTS[subject].names if "people" not in name and name != "dancers"])
    words = f"{colour} {noun}" if colour else noun
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _singles(random: Random, kind: Kind, count: int) -> list[Question]:
    """Plain sentences about one figure, with the time, the weather or the style that the kind is about."""
    outdoors = [place for place in PLACES if PLACES[place].outdoors]
    places = _evenly(random, outdoors if kind in {Kind.TIME, Kind.WEATHER} else list(PLACES), count)
    subjects, colours = _evenly(random, list(SUBJECTS), count), _evenly(random, list(COLOURS), count)
    times = _evenly(random, [time for time in Time if time is not Time.DAY], count)
    weathers = _evenly(random, [weather for weather in Weather if weather is not Weather.CLEAR], count)
    styles = _evenly(random, [style for style in Style if style is not Style.FLAT], count)
    found = []
    for index, (subject, colour, place) in enumerate(zip(subjects, colours, places, strict=True)):
        named = None if kind is Kind.UNCOLOURED else colour
        sentence = SENTENCES[index % len(SENTENCES)] if kind is Kind.ONE else SENTENCES[0]
        prompt = sentence.format(
            thing=_thing(random, named, subject),
            where=random.choice(PLACES[place].phrases),
            name=random.choice(PLACES[place].names),
        )
        asked: dict[str, str] = {}
        if kind is Kind.TIME:
            asked["time"] = times[index]
            prompt = f"{prompt} {random.choice(TIME_PHRASES[times[index]])}"
        elif kind is Kind.WEATHER:
            asked["weather"] = weathers[index]
            prompt = f"{prompt} {random.choice(WEATHER_PHRASES[weathers[index]])}"
        elif kind is Kind.STYLE:
            asked["style"] = styles[index]
            prompt = f"{prompt}, {random.choice(STYLE_PHRASES[styles[index]])}"
        wanted = Verdict(figures=(Sight(subject=subject, colour=named),), place=place, **asked)
        found.append(Question(kind=kind, prompt=prompt, wanted=wanted))
    return found


def _pairs(random: Random, count: int) -> list[Question]:
    """Plain sentences about two different figures of two different colours."""
    firsts, places = _evenly(random, list(SUBJECTS), count), _evenly(random, list(PLACES), count)
    found = []
    for index, (first, place) in enumerate(zip(firsts, places, strict=True)):
        second = random.choice([subject for subject in SUBJECTS if subject != first])
        colours = random.sample(list(COLOURS), k=2)
        joint, layout, turned = JOINTS[index % len(JOINTS)]
        sights = [Sight(subject=first, colour=colours[0]), Sight(subject=second, colour=colours[1])]
        things = [_thing(random, sight.colour, sight.subject) for sight in sights]
        prompt = SENTENCES[index // len(JOINTS) % len(SENTENCES)].format(
            thing=f"{things[0]} {joint} {things[1]}",
            where=random.choice(PLACES[place].phrases),
            name=random.choice(PLACES[place].names),
        )
        figures = tuple(reversed(sights)) if turned else tuple(sights)
        found.append(
            Question(kind=Kind.TWO, prompt=prompt, wanted=Verdict(figures=figures, place=place, layout=layout))
        )
    return found


def _numbers(random: Random, count: int) -> list[Question]:
    """Two or three alike."""
    subjects, colours = _evenly(random, list(SUBJECTS), count), _evenly(random, list(COLOURS), count)
    found = []
    for index, (subject, colour) in enumerate(zip(subjects, colours, strict=True)):
        number, place = 2 + index % 2, random.choice(list(PLACES))
        words = f"{NUMBERS[number][0]} {colour} {SUBJECTS[subject].plural}"
        wanted = Verdict(figures=(Sight(subject=subject, colour=colour),) * number, place=place)
        prompt = f"{words} {random.choice(PLACES[place].phrases)}"
        found.append(Question(kind=Kind.NUMBER, prompt=prompt, wanted=wanted))
    return found


def _held(random: Random, count: int) -> list[Question]:
    """Somebody who holds something, half of them without colour and place, as "a hamster with a brush"."""
    hands = _evenly(random, [subject for subject in SUBJECTS if SUBJECTS[subject].hand], count)
    items = _evenly(random, [item for item in ITEMS if not ITEMS[item].under], count)
    found = []
    for index, (subject, item) in enumerate(zip(hands, items, strict=True)):
        colour = random.choice(list(COLOURS)) if index % 2 else None
        prompt = f"{_thing(random, colour, subject)} {random.choice(HOLDING)} a {random.choice(ITEMS[item].names)}"
        if colour is not None:
            prompt = f"{prompt} {random.choice(random.choice(list(PLACES.values())).phrases)}"
        wanted = Verdict(figures=(Sight(subject=subject, colour=colour),), item=item)
        found.append(Question(kind=Kind.HELD, prompt=prompt, wanted=wanted))
    return found


def _said(text: str, phrases: Sequence[str]) -> bool:
    spaced = f" {' '.join(text.replace(',', ' ').split())} "
    return any(f" {phrase} " in spaced for phrase in phrases)


def _captions(kind: Kind, layouts: set[Layout]) -> Iterator[Question]:
    """Captions of unseen scenes that say every figure's colour, and the place."""
    for seed in numbers(FIRST_SEED + 1000):
        random = seeded(seed)
        scene = invent(random, shape=SQUARE)
        if scene.layout not in layouts or len({figure.subject for figure in scene.figures}) < len(scene.figures):
            continue
        place, colours = PLACES[scene.place], {figure.colour for figure in scene.figures}
        prompt = describe(scene, random)
        named = all(_said(prompt, COLOUR_NAMES[colour]) for colour in colours)
        if not named or len(colours) < len(scene.figures) or not _said(prompt, (*place.phrases, *place.names)):
            continue
        yield Question(kind=kind, prompt=prompt, wanted=_asked(scene, prompt))


def _asked(scene: Scene, prompt: str) -> Verdict:
    """Of what there is to see in a scene, figures, place, and their order or column where the caption says it."""
    seen = truth(scene)
    sides = (*LEFT_JOINTS, *RIGHT_JOINTS, "on the left", "on the right")
    ordered = scene.layout is Layout.ABOVE or (scene.layout is Layout.BESIDE and _said(prompt, sides))
    column = seen.column if _said(prompt, ("on the left", "on the right")) else None
    return Verdict(figures=seen.figures, place=seen.place, layout=seen.layout if ordered else None, column=column)


def _repaints(random: Random) -> Iterator[Question]:
    """Flat drawn scenes of one figure, which is wanted in another colour."""
    for seed in numbers(FIRST_SEED + 500_000):
        scene = invent(seeded(seed), shape=SQUARE)
        plain = scene.style is Style.FLAT and scene.time is Time.DAY and scene.weather is Weather.CLEAR
        if scene.layout is not Layout.ALONE or not plain:
            continue
        (figure,) = scene.figures
        if figure.item is not None or figure.size is Size.SMALL:
            continue
        colour = random.choice([other for other in COLOURS if other != figure.colour])
        wanted = Verdict(
            figures=(Sight(subject=figure.subject, colour=colour),), place=scene.place, column=truth(scene).column
        )
        prompt = f"{_thing(random, colour, figure.subject)} {random.choice(PLACES[scene.place].phrases)}"
        yield Question(kind=Kind.REPAINT, prompt=prompt, wanted=wanted, source=scene)


def checks(question: Question, seen: Verdict) -> dict[str, bool]:
    """The figures of the evaluation to which this question's picture counts, and whether it is right in each."""
    kind, wanted = question.kind, question.wanted
    subjects, real = [one.subject for one in seen.figures], [one.subject for one in wanted.figures]
    colours, asked = [one.colour for one in seen.figures], [one.colour for one in wanted.figures]
    place = seen.place == wanted.place
    found: dict[str, bool]
    match kind:
        case Kind.ONE:
            found = {"subject right": subjects == real, "colour right": colours[:1] == asked, "place right": place}
            if wanted.column is not None:
                found["side right, where asked"] = seen.column == wanted.column
        case Kind.TWO:
            found = {
                "both subjects right": sorted(subjects) == sorted(real),
                "both, each in its colour": set(seen.figures) == set(wanted.figures) and len(subjects) == 2,
                "place right": place,
            }
            if wanted.layout is not None:
                found["order right, where asked"] = subjects == real and seen.layout == wanted.layout
        case Kind.TIME | Kind.WEATHER | Kind.STYLE:
            slot = kind.name.lower()
            found = {"right": getattr(seen, slot) == getattr(wanted, slot)}
        case Kind.NUMBER:
            found = {"number right": len(subjects) == len(real), "number and subject right": subjects == real}
        case Kind.UNCOLOURED:
            found = {"subject right": subjects == real, "place right": place}
        case Kind.HELD:
            found = {"item right": seen.item == wanted.item, "subject right": subjects == real}
        case Kind.REPAINT:
            kept = subjects == real and place and seen.column == wanted.column
            found = {"layout kept": kept, "colour changed": colours == asked}
            found["layout kept and colour changed"] = kept and colours == asked
    return {f"{kind}: {name}": right for name, right in found.items()}
