"""What a storybook picture is about: subjects, each with its drawing and the words for it, and items to hold.

A drawing is a function of a `Brush` over a square, whose coordinates run from 0 to 1 (x to the right, y down),
and the paint that the caption names. To add a subject, write its function in `creatures` or `things` and enter
it in `SUBJECTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generation.storybook import creatures, things
from generation.storybook.brush import Brush
from generation.storybook.palette import RGB


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A thing that can be drawn, the words for one and for several, and what it can do.

    `usual`: its colours, of which a caption often says nothing; `flies`: it hangs in the air; `hand`: the point of
    its square where it can hold an item; `perches`: it can sit on a branch; `many`: its names are plural.
    """

    draw: Callable[[Brush, RGB], None]
    names: tuple[str, ...]
    usual: tuple[str, ...]
    plural: str
    flies: bool = False
    hand: tuple[float, float] | None = None
    perches: bool = False
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something held in a hand, or, with `under`, sat on; it has its own paints."""

    draw: Callable[[Brush], None]
    names: tuple[str, ...]
    under: bool = False


SUBJECTS: dict[str, Subject] = {
    "cat": Subject(
        draw=creatures.draw_cat,
        names=("cat", "kitten"),
        usual=("orange", "grey"),
        plural="cats",
        hand=(0.92, 0.62),
        perches=True,
    ),
    "dog": Subject(
        draw=creatures.draw_dog, names=("dog", "puppy"), usual=("brown",), plural="dogs", hand=(0.86, 0.74)
    ),
    "mouse": Subject(
        draw=creatures.draw_mouse, names=("mouse",), usual=("grey",), plural="mice", hand=(0.94, 0.87)
    ),
    "hamster": Subject(
        draw=creatures.draw_hamster,
        names=("hamster",),
        usual=("orange", "brown"),
        plural="hamsters",
        hand=(0.90, 0.72),
    ),
    "rabbit": Subject(
        draw=creatures.draw_rabbit,
        names=("rabbit", "bunny"),
        usual=("white", "grey"),
        plural="rabbits",
        hand=(0.88, 0.70),
    ),
    "bear": Subject(
        draw=creatures.draw_bear, names=("bear", "teddy bear"), usual=("brown",), plural="bears", hand=(0.94, 0.58)
    ),
    "bird": Subject(draw=creatures.draw_bird, names=("bird",), usual=("blue",), plural="birds", perches=True),
    "duck": Subject(draw=creatures.draw_duck, names=("duck",), usual=("yellow",), plural="ducks"),
    "owl": Subject(draw=creatures.draw_owl, names=("owl",), usual=("brown",), plural="owls", perches=True),
    "penguin": Subject(
        draw=creatures.draw_penguin, names=("penguin",), usual=("black",), plural="penguins", hand=(0.94, 0.72)
    ),
    "frog": Subject(
        draw=creatures.draw_frog, names=("frog",), usual=("green",), plural="frogs", hand=(0.92, 0.74)
    ),
    "fish": Subject(draw=creatures.draw_fish, names=("fish",), usual=("orange",), plural="fish", flies=True),
    "butterfly": Subject(
        draw=creatures.draw_butterfly,
        names=("butterfly",),
        usual=("orange", "purple"),
        plural="butterflies",
        flies=True,
    ),
    "robot": Subject(
        draw=creatures.draw_robot, names=("robot",), usual=("grey",), plural="robots", hand=(0.90, 0.72)
    ),
    "person": Subject(
        draw=creatures.draw_person,
        names=("person", "child", "man", "woman"),
        usual=("blue",),
        plural="people",
        hand=(0.91, 0.24),
    ),
    "dancers": Subject(
        draw=creatures.draw_dancers,
        names=("people dancing", "dancing people", "dancers", "dancing couple"),
        usual=("purple",),
        plural="dancers",
        many=True,
    ),
    "snowman": Subject(draw=creatures.draw_snowman, names=("snowman",), usual=("white",), plural="snowmen"),
    "house": Subject(draw=things.draw_house, names=("house", "home"), usual=("red",), plural="houses"),
    "castle": Subject(draw=things.draw_castle, names=("castle",), usual=("grey",), plural="castles"),
    "lighthouse": Subject(
        draw=things.draw_lighthouse, names=("lighthouse",), usual=("white",), plural="lighthouses"
    ),
    "car": Subject(draw=things.draw_car, names=("car",), usual=("red", "blue"), plural="cars"),
    "train": Subject(draw=things.draw_train, names=("train", "steam train"), usual=("green",), plural="trains"),
    "boat": Subject(
        draw=things.draw_boat, names=("boat", "ship", "sailing boat"), usual=("brown",), plural="boats"
    ),
    "plane": Subject(
        draw=things.draw_plane,
        names=("plane", "airplane", "aeroplane"),
        usual=("white",),
        plural="planes",
        flies=True,
    ),
    "rocket": Subject(draw=things.draw_rocket, names=("rocket",), usual=("white",), plural="rockets", flies=True),
    "balloon": Subject(
        draw=things.draw_balloon,
        names=("balloon", "hot air balloon"),
        usual=("orange",),
        plural="balloons",
        flies=True,
    ),
    "tree": Subject(draw=things.draw_tree, names=("tree",), usual=("green",), plural="trees"),
    "flower": Subject(draw=things.draw_flower, names=("flower",), usual=("pink",), plural="flowers"),
    "mushroom": Subject(draw=things.draw_mushroom, names=("mushroom",), usual=("red",), plural="mushrooms"),
    "cactus": Subject(draw=things.draw_cactus, names=("cactus",), usual=("green",), plural="cacti"),
    "apple": Subject(draw=things.draw_apple, names=("apple",), usual=("red",), plural="apples"),
    "umbrella": Subject(draw=things.draw_umbrella, names=("umbrella",), usual=("purple",), plural="umbrellas"),
    "star": Subject(draw=things.draw_star, names=("star",), usual=("yellow",), plural="stars", flies=True),
    "heart": Subject(draw=things.draw_heart, names=("heart",), usual=("red",), plural="hearts", flies=True),
}

ITEMS: dict[str, Item] = {
    "brush": Item(draw=things.draw_brush, names=("brush", "paint brush", "paintbrush")),
    "pen": Item(draw=things.draw_pen, names=("pen",)),
    "flag": Item(draw=things.draw_flag, names=("flag", "red flag")),
    "branch": Item(draw=things.draw_branch, names=("branch", "tree branch"), under=True),
}
