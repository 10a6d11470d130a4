"""The paints of the storybook: named colours of subjects and shades made from them."""

from __future__ import annotations

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "red": (222, 38, 38),
    "orange": (250, 138, 20),
    "yellow": (252, 220, 40),
    "green": (46, 168, 60),
    "blue": (36, 90, 226),
    "purple": (140, 54, 190),
    "pink": (255, 130, 184),
    "white": (248, 248, 248),
    "black": (34, 34, 40),
    "brown": (130, 78, 36),
    "grey": (140, 144, 152),
}
COLOUR_NAMES: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "red", "scarlet", "crimson"),
    "orange": ("orange", "orange", "amber"),
    "yellow": ("yellow", "yellow", "yellow", "golden"),
    "green": ("green", "green", "green", "emerald"),
    "blue": ("blue", "blue", "blue", "azure"),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink", "pink", "rosy"),
    "white": ("white", "white", "ivory"),
    "black": ("black", "black", "black", "jet black"),
    "brown": ("brown", "brown", "chocolate"),
    "grey": ("grey", "grey", "gray", "silver"),
}


def mix(one: RGB, other: RGB, amount: float) -> RGB:
    """The paint between two: 0 gives the one, 1 the other."""
    return tuple(round(a + (b - a) * amount) for a, b in zip(one, other, strict=True))  # type: ignore[return-value] # three in, three out


def darker(paint: RGB, amount: float = 0.35) -> RGB:
    """A shade of the paint; near black it turns lighter, so that it can still be seen."""
    if sum(paint) < 160:
        return mix(paint, (255, 255, 255), amount * 0.7)
    return mix(paint, (0, 0, 0), amount)


def lighter(paint: RGB, amount: float = 0.45) -> RGB:
    """A tint of the paint; near white it turns darker, so that it can still be seen."""
    if sum(paint) > 700:
        return mix(paint, (90, 100, 120), amount * 0.6)
    return mix(paint, (255, 255, 255), amount)
