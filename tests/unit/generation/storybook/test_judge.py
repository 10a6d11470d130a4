"""The judge of generated pictures."""

import pytest
from PIL import Image, ImageFilter

from generation.storybook.judge import Judge, Verdict, plain_prompts
from generation.storybook.scenes import draw, invent, seeded
from generation.storybook.subjects import SUBJECTS


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def drawn(count: int) -> list[tuple[Image.Image, Verdict]]:
    """Plain drawn scenes of one normal subject, blurred as a weak autoencoder would."""
    found = []
    seed = 0
    while len(found) < count:
        scene = invent(seeded(seed), pair_share=0.0)
        seed += 1
        figure = scene.figures[0]
        if figure.size == "normal":
            picture = draw(scene, side=128).filter(ImageFilter.GaussianBlur(2))
            wanted = Verdict(subject=figure.subject, colour=figure.colour, place=scene.place)
            found.append((picture, wanted))
    return found


def test_judge_knows_drawn_scenes(judge: Judge) -> None:
    scenes = drawn(24)
    result = judge.adherence([picture for picture, _ in scenes], [wanted for _, wanted in scenes])
    assert min(result.subject, result.colour, result.place) >= 0.95


def test_judge_sees_what_is_wrong(judge: Judge) -> None:
    scenes = drawn(12)
    pictures, wanted = [picture for picture, _ in scenes], [wanted for _, wanted in scenes]
    result = judge.adherence(pictures, wanted[1:] + wanted[:1])
    assert result.subject < 0.4


def test_plain_prompts_cover_every_subject_and_differ() -> None:
    prompts = plain_prompts(140)
    assert {wanted.subject for _, wanted in prompts} == set(SUBJECTS)
    assert len({text for text, _ in prompts}) > 130
