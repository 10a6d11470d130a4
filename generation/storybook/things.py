"""The storybook's things, and the items that a figure holds or sits on; each function draws one into a square."""

from __future__ import annotations

from math import cos, pi, sin

from generation.storybook.brush import FLAME, GLASS, INK, LEAF, PAPER, WOOD, Brush
from generation.storybook.palette import RGB, darker, lighter


def draw_house(brush: Brush, paint: RGB) -> None:
    """A house with a pointed roof, a door, two windows and a chimney."""
    brush.box(0.70, 0.06, 0.82, 0.36, darker(paint, 0.5))
    brush.box(0.12, 0.42, 0.88, 1.00, paint)
    brush.shape((0.00, 0.46), (0.50, 0.02), (1.00, 0.46), paint=darker(paint, 0.45))
    brush.box(0.42, 0.64, 0.60, 1.00, WOOD if sum(paint) > 300 else (200, 150, 90))
    brush.box(0.19, 0.56, 0.35, 0.74, GLASS)
    brush.box(0.67, 0.56, 0.82, 0.74, GLASS)


def draw_castle(brush: Brush, paint: RGB) -> None:
    """A castle with two towers, battlements and a gate."""
    shade = darker(paint, 0.18)
    brush.box(0.20, 0.46, 0.80, 1.0, paint)
    for x in (0.28, 0.44, 0.60):
        brush.box(x, 0.38, x + 0.10, 0.50, paint)
    for x in (0.04, 0.70):
        brush.box(x, 0.30, x + 0.26, 1.0, shade)
        brush.shape((x - 0.04, 0.32), (x + 0.13, 0.02), (x + 0.30, 0.32), paint=darker(paint, 0.5))
        brush.box(x + 0.09, 0.42, x + 0.18, 0.56, (255, 226, 120))
    brush.box(0.38, 0.66, 0.62, 1.0, WOOD if sum(paint) > 300 else (200, 150, 90), round_by=0.12)
    brush.box(0.38, 0.80, 0.62, 1.0, WOOD if sum(paint) > 300 else (200, 150, 90))


def draw_lighthouse(brush: Brush, paint: RGB) -> None:
    """A lighthouse with two light bands and a lit lamp."""
    brush.shape((0.30, 0.28), (0.70, 0.28), (0.82, 1.0), (0.18, 1.0), paint=paint)
    band = PAPER if sum(paint) < 700 else (204, 214, 230)
    brush.shape((0.282, 0.39), (0.718, 0.39), (0.737, 0.50), (0.263, 0.50), paint=band)
    brush.shape((0.233, 0.68), (0.767, 0.68), (0.785, 0.79), (0.215, 0.79), paint=band)
    brush.box(0.24, 0.23, 0.76, 0.30, INK)
    brush.box(0.36, 0.12, 0.64, 0.23, (255, 232, 110))
    brush.shape((0.28, 0.13), (0.50, 0.00), (0.72, 0.13), paint=darker(paint))
    brush.shape((0.70, 0.15), (0.98, 0.07), (0.98, 0.25), (0.70, 0.20), paint=(255, 244, 170))
    brush.box(0.42, 0.85, 0.58, 1.0, INK)


def draw_car(brush: Brush, paint: RGB) -> None:
    """A small car in profile that drives to the right."""
    brush.shape((0.18, 0.56), (0.30, 0.26), (0.68, 0.26), (0.84, 0.56), paint=paint)
    brush.shape((0.27, 0.54), (0.35, 0.33), (0.49, 0.33), (0.49, 0.54), paint=GLASS)
    brush.shape((0.54, 0.54), (0.54, 0.33), (0.65, 0.33), (0.75, 0.54), paint=GLASS)
    brush.box(0.00, 0.52, 1.00, 0.84, paint, round_by=0.08)
    brush.box(0.00, 0.74, 1.00, 0.84, darker(paint), round_by=0.04)
    brush.ellipse(0.90, 0.58, 1.00, 0.68, (255, 240, 160))
    for x in (0.24, 0.76):
        brush.ellipse(x - 0.15, 0.70, x + 0.15, 1.00, INK)
        brush.ellipse(x - 0.07, 0.78, x + 0.07, 0.92, (180, 180, 190))


def draw_train(brush: Brush, paint: RGB) -> None:
    """A steam engine in profile that drives to the right."""
    shade = darker(paint)
    brush.box(0.70, 0.14, 0.84, 0.46, shade)
    brush.box(0.66, 0.10, 0.88, 0.19, INK)
    brush.box(0.34, 0.40, 0.96, 0.76, paint, round_by=0.10)
    brush.box(0.02, 0.16, 0.42, 0.78, paint)
    brush.box(0.00, 0.10, 0.46, 0.20, shade)
    brush.box(0.11, 0.27, 0.33, 0.47, GLASS)
    brush.box(0.00, 0.72, 1.0, 0.81, INK)
    brush.ellipse(0.02, 0.68, 0.34, 1.0, shade)
    brush.ellipse(0.11, 0.77, 0.25, 0.91, (220, 220, 226))
    for x in (0.40, 0.70):
        brush.ellipse(x, 0.74, x + 0.26, 1.0, shade)
        brush.ellipse(x + 0.07, 0.81, x + 0.19, 0.93, (220, 220, 226))


def draw_boat(brush: Brush, paint: RGB) -> None:
    """A sailing boat: the hull wears the paint, and the small sail a tint of it."""
    brush.stroke((0.48, 0.02), (0.48, 0.74), paint=WOOD, width=0.06)
    brush.shape((0.53, 0.04), (0.53, 0.66), (0.96, 0.66), paint=PAPER)
    brush.shape((0.43, 0.12), (0.43, 0.66), (0.10, 0.66), paint=lighter(paint))
    brush.shape((0.00, 0.71), (1.00, 0.71), (0.82, 1.00), (0.18, 1.00), paint=paint)
    brush.box(0.03, 0.71, 0.97, 0.78, darker(paint))


def draw_plane(brush: Brush, paint: RGB) -> None:
    """An aeroplane in profile that flies to the right."""
    shade = darker(paint)
    brush.shape((0.02, 0.18), (0.18, 0.18), (0.30, 0.46), (0.08, 0.46), paint=shade)
    brush.box(0.04, 0.38, 1.0, 0.66, paint, round_by=0.14)
    brush.box(0.82, 0.42, 0.94, 0.52, GLASS, round_by=0.04)
    for x in (0.30, 0.46, 0.62):
        brush.ellipse(x, 0.43, x + 0.09, 0.53, GLASS)
    brush.shape((0.42, 0.58), (0.66, 0.58), (0.44, 0.94), (0.28, 0.94), paint=shade)


def draw_rocket(brush: Brush, paint: RGB) -> None:
    """A rocket that points up, with a window, two fins and a flame."""
    shade = darker(paint)
    brush.shape((0.38, 0.78), (0.62, 0.78), (0.50, 1.00), paint=FLAME)
    brush.shape((0.32, 0.50), (0.12, 0.82), (0.34, 0.76), paint=shade)
    brush.shape((0.68, 0.50), (0.88, 0.82), (0.66, 0.76), paint=shade)
    brush.shape(
        (0.50, 0.00),
        (0.68, 0.26),
        (0.70, 0.56),
        (0.62, 0.80),
        (0.38, 0.80),
        (0.30, 0.56),
        (0.32, 0.26),
        paint=paint,
    )
    brush.shape((0.50, 0.00), (0.66, 0.22), (0.34, 0.22), paint=shade)
    brush.ellipse(0.39, 0.32, 0.61, 0.54, PAPER)
    brush.ellipse(0.43, 0.36, 0.57, 0.50, (90, 170, 230))


def draw_balloon(brush: Brush, paint: RGB) -> None:
    """A hot-air balloon with a stripe and a basket."""
    brush.stroke((0.24, 0.56), (0.42, 0.84), paint=WOOD, width=0.05)
    brush.stroke((0.76, 0.56), (0.58, 0.84), paint=WOOD, width=0.05)
    brush.shape((0.18, 0.52), (0.82, 0.52), (0.60, 0.74), (0.40, 0.74), paint=paint)
    brush.ellipse(0.12, 0.00, 0.88, 0.68, paint)
    brush.ellipse(0.37, 0.00, 0.63, 0.70, lighter(paint))
    brush.box(0.38, 0.82, 0.62, 1.00, WOOD)


def draw_tree(brush: Brush, paint: RGB) -> None:
    """A tree with a round crown that wears the paint."""
    brush.shape((0.42, 0.55), (0.58, 0.55), (0.64, 1.00), (0.36, 1.00), paint=WOOD)
    shade = darker(paint, 0.2)
    brush.ellipse(0.02, 0.28, 0.54, 0.74, shade)
    brush.ellipse(0.46, 0.28, 0.98, 0.74, shade)
    brush.ellipse(0.16, 0.00, 0.84, 0.64, paint)


def draw_flower(brush: Brush, paint: RGB) -> None:
    """A flower with six petals on a stem with two leaves."""
    brush.stroke((0.50, 0.40), (0.50, 1.00), paint=LEAF, width=0.06)
    brush.ellipse(0.18, 0.72, 0.50, 0.88, LEAF)
    brush.ellipse(0.50, 0.64, 0.82, 0.80, LEAF)
    for turn in range(6):
        x, y = 0.50 + 0.21 * cos(turn * pi / 3), 0.34 + 0.21 * sin(turn * pi / 3)
        brush.ellipse(x - 0.135, y - 0.135, x + 0.135, y + 0.135, paint)
    centre = (255, 214, 60) if paint[2] > 100 or paint[1] < 130 else WOOD
    brush.ellipse(0.37, 0.21, 0.63, 0.47, centre)


def draw_mushroom(brush: Brush, paint: RGB) -> None:
    """A mushroom with a spotted cap."""
    brush.box(0.36, 0.48, 0.64, 1.00, (244, 232, 206), round_by=0.08)
    brush.canvas.pieslice([*brush.at(0.02, 0.04), *brush.at(0.98, 1.08)], 180, 360, fill=paint)
    spot = PAPER if sum(paint) < 700 else (220, 60, 60)
    brush.ellipse(0.41, 0.12, 0.59, 0.30, spot)
    brush.ellipse(0.16, 0.30, 0.33, 0.47, spot)
    brush.ellipse(0.67, 0.30, 0.84, 0.47, spot)


def draw_cactus(brush: Brush, paint: RGB) -> None:
    """A cactus with an edge and two arms, in a pot."""
    for edge, tone in ((0.035, darker(paint)), (0.0, paint)):
        brush.stroke((0.46, 0.60), (0.18, 0.60), (0.18, 0.34), paint=tone, width=0.14 + 2 * edge)
        brush.ellipse(0.11 - edge, 0.26 - edge, 0.25 + edge, 0.40 + edge, tone)
        brush.stroke((0.54, 0.48), (0.82, 0.48), (0.82, 0.22), paint=tone, width=0.14 + 2 * edge)
        brush.ellipse(0.75 - edge, 0.14 - edge, 0.89 + edge, 0.28 + edge, tone)
    brush.box(0.33, 0.00, 0.67, 0.84, darker(paint), round_by=0.16)
    brush.box(0.37, 0.035, 0.63, 0.84, paint, round_by=0.12)
    brush.box(0.37, 0.41, 0.42, 0.55, paint)
    brush.box(0.22, 0.76, 0.78, 0.85, (170, 84, 50))
    brush.shape((0.26, 0.85), (0.74, 0.85), (0.68, 1.0), (0.32, 1.0), paint=(196, 104, 64))


def draw_apple(brush: Brush, paint: RGB) -> None:
    """An apple with an edge, a stalk, a leaf and a light spot."""
    brush.stroke((0.50, 0.30), (0.54, 0.04), paint=WOOD, width=0.07)
    brush.ellipse(0.54, 0.03, 0.86, 0.19, LEAF)
    for inset, tone in ((0.0, darker(paint, 0.25)), (0.04, paint)):
        brush.ellipse(0.06 + inset, 0.22 + inset, 0.60, 0.94 - inset, tone)
        brush.ellipse(0.40, 0.22 + inset, 0.94 - inset, 0.94 - inset, tone)
        brush.ellipse(0.24 + inset, 0.44, 0.76 - inset, 1.0 - inset, tone)
    brush.ellipse(0.19, 0.36, 0.35, 0.58, lighter(paint, 0.6))


def draw_umbrella(brush: Brush, paint: RGB) -> None:
    """An open umbrella with panels of two tones and a crooked handle."""
    brush.stroke((0.50, 0.10), (0.50, 0.88), paint=WOOD, width=0.06)
    brush.stroke((0.50, 0.86), (0.54, 0.95), (0.64, 0.95), (0.68, 0.84), paint=WOOD, width=0.06)
    brush.canvas.pieslice([*brush.at(0.00, 0.04), *brush.at(1.0, 1.00)], 180, 360, fill=paint)
    brush.canvas.pieslice([*brush.at(0.30, 0.04), *brush.at(0.70, 1.00)], 180, 360, fill=lighter(paint))
    brush.box(0.47, 0.00, 0.53, 0.08, WOOD)


def draw_star(brush: Brush, paint: RGB) -> None:
    """A five-pointed star."""
    for size, tone in ((0.54, darker(paint, 0.25)), (0.44, paint)):
        points = []
        for turn in range(10):
            radius = size if turn % 2 == 0 else size * 0.45
            angle = -pi / 2 + turn * pi / 5
            points.append((0.5 + radius * cos(angle), 0.53 + radius * sin(angle)))
        brush.shape(*points, paint=tone)


def draw_heart(brush: Brush, paint: RGB) -> None:
    """A heart with an edge and a light spot."""
    for inset, tone in ((0.0, darker(paint, 0.25)), (0.05, paint)):
        brush.ellipse(0.02 + inset, 0.06 + inset, 0.54, 0.56, tone)
        brush.ellipse(0.46, 0.06 + inset, 0.98 - inset, 0.56, tone)
        tip = (0.50, 0.98 - 1.4 * inset)
        brush.shape((0.055 + inset, 0.42), (0.50, 0.30), (0.945 - inset, 0.42), tip, paint=tone)
    brush.ellipse(0.16, 0.18, 0.34, 0.36, lighter(paint, 0.55))


def draw_brush(brush: Brush) -> None:
    """A paint brush with a dab of blue."""
    brush.box(0.40, 0.46, 0.60, 1.0, (214, 150, 80), round_by=0.06)
    brush.box(0.33, 0.34, 0.67, 0.50, (180, 184, 194))
    brush.shape((0.31, 0.35), (0.69, 0.35), (0.66, 0.14), (0.50, 0.00), (0.34, 0.14), paint=(40, 110, 230))


def draw_pen(brush: Brush) -> None:
    """A big yellow pencil, its point up."""
    brush.box(0.33, 0.28, 0.67, 0.88, (250, 204, 50))
    brush.box(0.33, 0.86, 0.67, 1.0, (240, 120, 140), round_by=0.04)
    brush.shape((0.33, 0.29), (0.67, 0.29), (0.50, 0.00), paint=(246, 222, 180))
    brush.shape((0.44, 0.11), (0.56, 0.11), (0.50, 0.00), paint=INK)


def draw_flag(brush: Brush) -> None:
    """A red flag on a pole."""
    brush.box(0.42, 0.00, 0.54, 1.0, WOOD)
    brush.shape((0.54, 0.02), (0.96, 0.23), (0.54, 0.46), paint=(226, 50, 50))


def draw_branch(brush: Brush) -> None:
    """A branch with leaves under the feet of what sits on it."""
    brush.stroke((-0.35, 1.06), (0.30, 0.98), (1.30, 1.02), paint=WOOD, width=0.12)
    for x, y in ((-0.22, 0.90), (0.02, 1.06), (0.98, 0.86), (1.14, 1.04)):
        brush.ellipse(x, y, x + 0.26, y + 0.14, LEAF)
