"""The storybook's creatures: each function draws one into a square, in the paint that its caption names."""

from __future__ import annotations

from generation.storybook.brush import FLAME, GLASS, HAIR, INK, PAPER, SKIN, Brush
from generation.storybook.palette import RGB, darker, lighter


def draw_cat(brush: Brush, paint: RGB) -> None:
    """A sitting cat, seen from the front, its tail on the right."""
    shade = darker(paint)
    brush.stroke((0.68, 0.92), (0.90, 0.86), (0.95, 0.66), (0.88, 0.52), paint=shade, width=0.09)
    brush.ellipse(0.24, 0.46, 0.76, 1.0, paint)
    brush.ellipse(0.37, 0.60, 0.63, 0.98, lighter(paint))
    brush.shape((0.18, 0.34), (0.20, 0.00), (0.46, 0.16), paint=shade)
    brush.shape((0.82, 0.34), (0.80, 0.00), (0.54, 0.16), paint=shade)
    brush.ellipse(0.16, 0.10, 0.84, 0.60, paint)
    brush.eye(0.36, 0.32, 0.085)
    brush.eye(0.64, 0.32, 0.085)
    brush.shape((0.45, 0.42), (0.55, 0.42), (0.50, 0.48), paint=(240, 120, 140))


def draw_dog(brush: Brush, paint: RGB) -> None:
    """A sitting dog with hanging ears, its tail on the left."""
    shade = darker(paint)
    brush.stroke((0.32, 0.88), (0.10, 0.78), (0.06, 0.58), paint=shade, width=0.09)
    brush.box(0.26, 0.48, 0.74, 1.0, paint, round_by=0.18)
    brush.box(0.40, 0.60, 0.60, 0.96, lighter(paint), round_by=0.09)
    brush.box(0.20, 0.04, 0.80, 0.58, paint, round_by=0.22)
    brush.ellipse(0.05, 0.06, 0.28, 0.58, shade)
    brush.ellipse(0.72, 0.06, 0.95, 0.58, shade)
    brush.ellipse(0.32, 0.32, 0.68, 0.60, lighter(paint))
    brush.ellipse(0.41, 0.34, 0.59, 0.46, INK)
    brush.eye(0.37, 0.23, 0.075)
    brush.eye(0.63, 0.23, 0.075)


def draw_mouse(brush: Brush, paint: RGB) -> None:
    """A mouse in profile that looks to the right, with big round ears, a long tail and a paw in front."""
    shade = darker(paint)
    brush.stroke((0.14, 0.86), (0.03, 0.72), (0.06, 0.50), (0.16, 0.40), paint=(236, 150, 160), width=0.06)
    brush.ellipse(0.08, 0.46, 0.65, 1.0, paint)
    brush.shape((0.43, 0.52), (0.65, 0.44), (0.90, 0.76), (0.60, 0.92), (0.40, 0.86), paint=paint)
    brush.ellipse(0.41, 0.44, 0.72, 0.92, paint)
    brush.ellipse(0.20, 0.14, 0.55, 0.52, shade)
    brush.ellipse(0.26, 0.21, 0.49, 0.46, (240, 170, 184))
    brush.ellipse(0.52, 0.18, 0.80, 0.50, shade)
    brush.ellipse(0.58, 0.24, 0.75, 0.44, (240, 170, 184))
    brush.eye(0.65, 0.62, 0.075)
    brush.ellipse(0.81, 0.69, 0.91, 0.80, (230, 90, 110))
    brush.box(0.60, 0.83, 0.92, 0.92, shade, round_by=0.04)
    brush.box(0.20, 0.92, 0.38, 1.0, shade, round_by=0.04)
    brush.box(0.48, 0.92, 0.66, 1.0, shade, round_by=0.04)


def draw_hamster(brush: Brush, paint: RGB) -> None:
    """A round hamster that sits upright, with puffed cheeks and small ears."""
    shade = darker(paint)
    brush.ellipse(0.16, 0.06, 0.38, 0.28, shade)
    brush.ellipse(0.62, 0.06, 0.84, 0.28, shade)
    brush.ellipse(0.10, 0.34, 0.90, 1.0, paint)
    brush.ellipse(0.14, 0.10, 0.86, 0.66, paint)
    brush.ellipse(0.26, 0.56, 0.74, 0.98, PAPER if sum(paint) < 640 else (250, 226, 190))
    brush.ellipse(0.06, 0.36, 0.36, 0.62, lighter(paint))
    brush.ellipse(0.64, 0.36, 0.94, 0.62, lighter(paint))
    brush.eye(0.36, 0.33, 0.075)
    brush.eye(0.64, 0.33, 0.075)
    brush.ellipse(0.44, 0.41, 0.56, 0.50, (236, 110, 130))
    brush.ellipse(0.20, 0.90, 0.42, 1.0, shade)
    brush.ellipse(0.58, 0.90, 0.80, 1.0, shade)


def draw_rabbit(brush: Brush, paint: RGB) -> None:
    """A sitting rabbit with long upright ears and two front teeth."""
    shade = darker(paint)
    for x in (0.28, 0.56):
        brush.ellipse(x, 0.0, x + 0.16, 0.46, paint)
        brush.ellipse(x + 0.045, 0.06, x + 0.115, 0.40, (244, 160, 180))
    brush.ellipse(0.74, 0.74, 0.94, 0.94, PAPER if sum(paint) < 640 else shade)
    brush.ellipse(0.20, 0.54, 0.80, 1.0, paint)
    brush.ellipse(0.34, 0.64, 0.66, 0.98, lighter(paint))
    brush.ellipse(0.22, 0.30, 0.78, 0.72, paint)
    brush.eye(0.38, 0.46, 0.07)
    brush.eye(0.62, 0.46, 0.07)
    brush.box(0.45, 0.58, 0.55, 0.68, PAPER if sum(paint) < 640 else (255, 240, 200))
    brush.ellipse(0.44, 0.51, 0.56, 0.59, (236, 100, 130))
    brush.ellipse(0.16, 0.88, 0.46, 1.0, shade)
    brush.ellipse(0.54, 0.88, 0.84, 1.0, shade)


def draw_bear(brush: Brush, paint: RGB) -> None:
    """A standing teddy bear with its arms apart."""
    shade = darker(paint)
    brush.ellipse(0.00, 0.48, 0.36, 0.72, shade)
    brush.ellipse(0.64, 0.48, 1.00, 0.72, shade)
    brush.ellipse(0.18, 0.80, 0.46, 1.0, shade)
    brush.ellipse(0.54, 0.80, 0.82, 1.0, shade)
    brush.ellipse(0.20, 0.42, 0.80, 0.94, paint)
    brush.ellipse(0.34, 0.54, 0.66, 0.86, lighter(paint))
    brush.ellipse(0.16, 0.00, 0.40, 0.24, shade)
    brush.ellipse(0.60, 0.00, 0.84, 0.24, shade)
    brush.ellipse(0.20, 0.02, 0.80, 0.52, paint)
    brush.ellipse(0.35, 0.25, 0.65, 0.49, lighter(paint, 0.6))
    brush.ellipse(0.43, 0.27, 0.57, 0.37, INK)
    brush.eye(0.36, 0.19, 0.065)
    brush.eye(0.64, 0.19, 0.065)


def draw_bird(brush: Brush, paint: RGB) -> None:
    """A round bird in profile that looks to the right."""
    brush.stroke((0.43, 0.80), (0.43, 0.99), paint=FLAME, width=0.06)
    brush.stroke((0.58, 0.80), (0.58, 0.99), paint=FLAME, width=0.06)
    brush.shape((0.24, 0.58), (0.00, 0.36), (0.04, 0.72), paint=darker(paint))
    brush.ellipse(0.12, 0.34, 0.80, 0.88, paint)
    brush.ellipse(0.50, 0.08, 0.90, 0.50, paint)
    brush.shape((0.86, 0.20), (1.00, 0.30), (0.86, 0.38), paint=FLAME)
    brush.shape((0.20, 0.48), (0.62, 0.50), (0.36, 0.78), paint=darker(paint))
    brush.eye(0.73, 0.26, 0.07)


def draw_duck(brush: Brush, paint: RGB) -> None:
    """A duck in profile that swims to the right."""
    shade = darker(paint)
    brush.shape((0.16, 0.70), (0.00, 0.44), (0.34, 0.58), paint=shade)
    brush.shape((0.52, 0.30), (0.80, 0.30), (0.84, 0.64), (0.48, 0.70), paint=paint)
    brush.ellipse(0.06, 0.48, 0.90, 1.0, paint)
    brush.ellipse(0.46, 0.04, 0.86, 0.44, paint)
    brush.box(0.80, 0.20, 1.0, 0.34, FLAME, round_by=0.06)
    brush.ellipse(0.20, 0.56, 0.62, 0.86, shade)
    brush.eye(0.70, 0.20, 0.07)


def draw_owl(brush: Brush, paint: RGB) -> None:
    """An owl seen from the front, with large eyes and feather ears."""
    shade = darker(paint)
    brush.shape((0.14, 0.30), (0.12, 0.00), (0.42, 0.14), paint=shade)
    brush.shape((0.86, 0.30), (0.88, 0.00), (0.58, 0.14), paint=shade)
    brush.box(0.12, 0.08, 0.88, 0.94, paint, round_by=0.36)
    brush.ellipse(0.04, 0.40, 0.26, 0.86, shade)
    brush.ellipse(0.74, 0.40, 0.96, 0.86, shade)
    brush.ellipse(0.34, 0.60, 0.66, 0.92, lighter(paint))
    brush.eye(0.34, 0.32, 0.135)
    brush.eye(0.66, 0.32, 0.135)
    brush.shape((0.42, 0.42), (0.58, 0.42), (0.50, 0.56), paint=FLAME)
    brush.box(0.32, 0.92, 0.44, 1.0, FLAME, round_by=0.03)
    brush.box(0.56, 0.92, 0.68, 1.0, FLAME, round_by=0.03)


def draw_penguin(brush: Brush, paint: RGB) -> None:
    """A penguin seen from the front: its coat wears the paint, its belly is white."""
    shade = darker(paint)
    brush.shape((0.24, 0.42), (0.02, 0.70), (0.10, 0.78), (0.28, 0.64), paint=shade)
    brush.shape((0.76, 0.42), (0.98, 0.70), (0.90, 0.78), (0.72, 0.64), paint=shade)
    brush.ellipse(0.24, 0.90, 0.48, 1.0, FLAME)
    brush.ellipse(0.52, 0.90, 0.76, 1.0, FLAME)
    brush.ellipse(0.18, 0.22, 0.82, 0.97, paint)
    brush.ellipse(0.26, 0.00, 0.74, 0.46, paint)
    brush.ellipse(0.31, 0.40, 0.69, 0.92, PAPER if sum(paint) < 700 else (200, 208, 222))
    brush.eye(0.40, 0.19, 0.07)
    brush.eye(0.60, 0.19, 0.07)
    brush.shape((0.42, 0.27), (0.58, 0.27), (0.50, 0.38), paint=FLAME)


def draw_frog(brush: Brush, paint: RGB) -> None:
    """A squat frog seen from the front, with eyes on top and a wide mouth."""
    shade = darker(paint)
    brush.ellipse(0.00, 0.62, 0.34, 1.0, shade)
    brush.ellipse(0.66, 0.62, 1.0, 1.0, shade)
    brush.ellipse(0.10, 0.32, 0.90, 0.98, paint)
    brush.ellipse(0.14, 0.12, 0.44, 0.44, paint)
    brush.ellipse(0.56, 0.12, 0.86, 0.44, paint)
    brush.eye(0.29, 0.27, 0.10)
    brush.eye(0.71, 0.27, 0.10)
    brush.stroke(
        (0.22, 0.58),
        (0.36, 0.66),
        (0.50, 0.68),
        (0.64, 0.66),
        (0.78, 0.58),
        paint=INK if sum(paint) > 200 else PAPER,
        width=0.05,
    )
    brush.ellipse(0.30, 0.74, 0.70, 0.98, lighter(paint))


def draw_fish(brush: Brush, paint: RGB) -> None:
    """A fish in profile that swims to the right."""
    shade = darker(paint)
    brush.shape((0.30, 0.50), (0.00, 0.20), (0.08, 0.50), (0.00, 0.80), paint=shade)
    brush.shape((0.38, 0.32), (0.52, 0.08), (0.74, 0.30), paint=shade)
    brush.shape((0.46, 0.70), (0.54, 0.90), (0.68, 0.70), paint=shade)
    brush.ellipse(0.18, 0.22, 1.00, 0.80, paint)
    brush.stroke((0.68, 0.32), (0.62, 0.50), (0.68, 0.70), paint=shade, width=0.055)
    brush.eye(0.82, 0.43, 0.08)


def draw_butterfly(brush: Brush, paint: RGB) -> None:
    """A butterfly with its four wings spread."""
    shade = darker(paint)
    brush.stroke((0.50, 0.24), (0.36, 0.04), paint=INK, width=0.055)
    brush.stroke((0.50, 0.24), (0.64, 0.04), paint=INK, width=0.055)
    brush.ellipse(0.08, 0.50, 0.48, 0.94, shade)
    brush.ellipse(0.52, 0.50, 0.92, 0.94, shade)
    brush.ellipse(0.00, 0.12, 0.48, 0.62, paint)
    brush.ellipse(0.52, 0.12, 1.00, 0.62, paint)
    brush.ellipse(0.12, 0.26, 0.32, 0.47, lighter(paint, 0.6))
    brush.ellipse(0.68, 0.26, 0.88, 0.47, lighter(paint, 0.6))
    brush.box(0.45, 0.20, 0.55, 0.86, INK, round_by=0.05)


def draw_robot(brush: Brush, paint: RGB) -> None:
    """A square robot with an antenna, its arms at its sides."""
    shade = darker(paint)
    brush.stroke((0.50, 0.02), (0.50, 0.14), paint=shade, width=0.05)
    brush.ellipse(0.44, 0.00, 0.56, 0.10, FLAME)
    brush.box(0.28, 0.84, 0.44, 1.00, shade)
    brush.box(0.56, 0.84, 0.72, 1.00, shade)
    brush.box(0.06, 0.50, 0.20, 0.80, shade)
    brush.box(0.80, 0.50, 0.94, 0.80, shade)
    brush.box(0.20, 0.46, 0.80, 0.86, paint)
    brush.box(0.36, 0.56, 0.64, 0.74, lighter(paint, 0.6))
    brush.box(0.24, 0.12, 0.76, 0.44, paint)
    brush.box(0.30, 0.18, 0.70, 0.38, INK if sum(paint) > 160 else GLASS)
    brush.ellipse(0.35, 0.22, 0.46, 0.33, FLAME)
    brush.ellipse(0.54, 0.22, 0.65, 0.33, FLAME)


def draw_person(brush: Brush, paint: RGB) -> None:
    """A standing child in clothes of the paint, one hand raised."""
    shade = darker(paint)
    brush.stroke((0.66, 0.48), (0.90, 0.28), paint=shade, width=0.11)
    brush.ellipse(0.83, 0.17, 0.98, 0.32, SKIN)
    brush.stroke((0.34, 0.48), (0.14, 0.70), paint=shade, width=0.11)
    brush.ellipse(0.05, 0.64, 0.20, 0.79, SKIN)
    brush.box(0.33, 0.80, 0.47, 1.0, shade)
    brush.box(0.53, 0.80, 0.67, 1.0, shade)
    brush.shape((0.34, 0.40), (0.66, 0.40), (0.80, 0.86), (0.20, 0.86), paint=paint)
    brush.ellipse(0.28, 0.00, 0.72, 0.36, HAIR)
    brush.ellipse(0.32, 0.07, 0.68, 0.43, SKIN)
    brush.ellipse(0.40, 0.19, 0.47, 0.27, INK)
    brush.ellipse(0.53, 0.19, 0.60, 0.27, INK)
    brush.box(0.43, 0.32, 0.57, 0.37, (206, 70, 80), round_by=0.02)


def draw_dancers(brush: Brush, paint: RGB) -> None:
    """Two people who dance hand in hand, their free arms in the air."""
    for middle, outward, dress in ((0.27, -1, paint), (0.73, 1, darker(paint, 0.25))):
        brush.stroke((middle, 0.42), (0.50, 0.56), paint=SKIN, width=0.07)
        brush.stroke((middle, 0.44), (middle + outward * 0.20, 0.14), paint=SKIN, width=0.07)
        brush.stroke((middle, 0.78), (middle + outward * 0.16, 0.98), paint=INK, width=0.07)
        brush.stroke((middle, 0.78), (middle - outward * 0.05, 0.98), paint=INK, width=0.07)
        brush.shape(
            (middle - 0.08, 0.36), (middle + 0.08, 0.36), (middle + 0.23, 0.84), (middle - 0.23, 0.84), paint=dress
        )
        brush.ellipse(middle - 0.13, 0.06, middle + 0.13, 0.32, HAIR)
        brush.ellipse(middle - 0.10, 0.12, middle + 0.10, 0.35, SKIN)


def draw_snowman(brush: Brush, paint: RGB) -> None:
    """A snowman whose tall hat, wide scarf and buttons wear the paint."""
    snow, edge = (246, 250, 255), (196, 210, 228)
    brush.ellipse(0.16, 0.54, 0.84, 1.0, edge)
    brush.ellipse(0.19, 0.54, 0.81, 0.97, snow)
    brush.ellipse(0.24, 0.18, 0.76, 0.64, edge)
    brush.ellipse(0.27, 0.18, 0.73, 0.61, snow)
    brush.box(0.27, 0.00, 0.73, 0.24, paint)
    brush.box(0.14, 0.22, 0.86, 0.31, darker(paint))
    brush.box(0.16, 0.53, 0.84, 0.68, paint, round_by=0.06)
    brush.box(0.56, 0.58, 0.76, 0.92, darker(paint), round_by=0.04)
    brush.ellipse(0.36, 0.34, 0.45, 0.43, INK)
    brush.ellipse(0.55, 0.34, 0.64, 0.43, INK)
    brush.shape((0.48, 0.41), (0.48, 0.51), (0.72, 0.47), paint=FLAME)
    brush.ellipse(0.35, 0.71, 0.48, 0.84, paint)
    brush.ellipse(0.35, 0.85, 0.48, 0.98, paint)
