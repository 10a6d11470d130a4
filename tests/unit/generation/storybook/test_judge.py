"""The judge of generated pictures, what it is asked, and the arithmetic of the figures."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generation.storybook import evaluate, judge, questions
from generation.storybook.autoencoder import HELD_OUT_SEED
from generation.storybook.evaluate import Evaluation, Figure, Sampling, factor, reds
from generation.storybook.judge import (
    SILENT,
    SLOT_WORDS,
    Judge,
    JudgeTraining,
    Network,
    Share,
    Sight,
    Verdict,
    draw_judged,
    fitted,
    labels,
    truth,
)
from generation.storybook.places import PLACES
from generation.storybook.questions import Kind, checks
from generation.storybook.questions import questions as questions_of
from generation.storybook.scenes import Figure as Drawn
from generation.storybook.scenes import Layout, Scene, draw, invent, seeded
from generation.storybook.train import scene_seeds

CPU = torch.device("cpu")
SMALL = {"widths": (16, 24, 32), "hidden": 32}
CAT = Drawn(subject="cat", colour="red", left=0.5, top=5, side=9)
ALONE = Scene(place="beach", variant=0, layout=Layout.ALONE, figures=(CAT,))


def lessons(count: int) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
    """A red cat on the beach by turns with a blue cat in space."""
    other = replace(ALONE, place="space", figures=(replace(CAT, colour="blue"),))
    scenes = [ALONE, other] * (count // 2)
    known = [labels(scene) for scene in scenes]
    pictures = np.stack([fitted(draw(scene)) for scene in scenes])
    return pictures, {slot: torch.tensor([one[slot] for one in known]) for slot in known[0]}


def training() -> JudgeTraining:
    pictures, wanted = lessons(8)
    return JudgeTraining(pictures=pictures, wanted=wanted, device=CPU, network=Network(**SMALL))


def test_network_learns_to_tell_two_scenes_apart() -> None:
    taught = training()
    for step in range(25):
        taught.step(0.05 + step / 40)
    seen = Judge(taught.network, CPU).verdicts([draw(ALONE)])[0]
    assert seen.figures == (Sight(subject="cat", colour="red"),)
    assert (seen.place, seen.column, seen.item) == ("beach", "left", "nothing")


def test_interrupted_training_goes_on_as_if_it_had_not_been() -> None:
    straight, interrupted = training(), training()
    for _ in range(2):
        straight.step(0.3)
        interrupted.step(0.3)
    resumed = training()
    resumed.restore(interrupted.state())
    assert resumed.step(0.3) == pytest.approx(straight.step(0.3), rel=1e-4)


def test_missing_judge_is_trained_and_then_read_back(tmp_path: Path) -> None:
    made = Judge.open(tmp_path, CPU, steps=2, scenes=20)
    (tmp_path / "judge.pt").unlink()
    read = Judge.open(tmp_path, CPU)
    assert not (tmp_path / "judge.pt").exists()
    assert read.verdicts([draw(ALONE)]) == made.verdicts([draw(ALONE)])


def test_pictures_drawn_otherwise_than_today_are_drawn_anew(tmp_path: Path) -> None:
    file = tmp_path / "judge.npy"
    real = np.array(draw_judged(file, 20)[0])
    kept = np.load(file)
    kept[0] = 0
    np.save(file, kept)
    assert (draw_judged(file, 20)[0] == real).all()


def test_labels_say_what_the_scene_shows_and_nothing_else() -> None:
    found = labels(ALONE)
    said = {slot: words[found[slot][0]] for slot, words in SLOT_WORDS.items()}
    assert said == {
        "subject": "cat",
        "colour": "red",
        "place": "beach",
        "time": "day",
        "weather": "clear",
        "style": ALONE.style,
        "layout": "alone",
        "column": "left",
        "size": "normal",
        "item": "nothing",
    }
    assert found["subject"][1:] == found["colour"][1:] == found["spot"][1:] == [SILENT, SILENT]
    assert found["spot"][0] == 4 * 8 + 2


def test_nothing_is_said_of_the_weather_indoors_or_of_the_size_of_two() -> None:
    pair = replace(ALONE, place="room", layout=Layout.ALIKE, figures=(CAT, replace(CAT, left=8)))
    seen = truth(pair)
    assert (seen.weather, seen.time, seen.column, seen.size) == (None, None, None, None)
    assert seen.layout == Layout.BESIDE


@pytest.mark.parametrize(("size", "bars"), [((384, 256), (0, 0)), ((256, 384), (0, 0)), ((256, 256), None)])
def test_pictures_of_any_shape_are_seen_whole(size: tuple[int, int], bars: tuple[int, int] | None) -> None:
    seen = fitted(Image.new("RGB", size, "red"))
    assert seen.shape == (128, 128, 3)
    assert tuple(seen[64, 64]) == (255, 0, 0)
    assert tuple(seen[0, 0]) == ((255, 0, 0) if bars is None else judge.MARGIN)
    assert (seen == (255, 0, 0)).all(axis=2).sum() == pytest.approx(128 * 128 * min(size) / max(size), rel=0.01)


def test_wilson_interval() -> None:
    assert Share(right=97, of=100).interval == pytest.approx((0.9155, 0.9897), abs=1e-4)
    assert Share(right=10, of=10).interval == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert Share(right=0, of=0).interval == (0.0, 1.0)


def test_factor_of_reds() -> None:
    assert factor(Share(right=10, of=100), Share(right=2, of=100)) == pytest.approx(5)
    assert factor(Share(right=10, of=100), Share(right=0, of=100)) == math.inf
    assert factor(Share(right=0, of=100), Share(right=0, of=100)) == 1.0


def test_reds_are_counted_among_pictures_with_a_figure() -> None:
    seen = [Verdict(figures=()), Verdict(figures=(Sight(subject="cat", colour="red"),))]
    assert reds(seen) == Share(right=1, of=1)


def test_goal_may_be_a_limit() -> None:
    quick = Figure(name="seconds", value=1.2, unit="s", goal=1.5, at_most=True)
    assert quick.met
    assert not replace(quick, value=1.6).met
    assert not replace(quick, at_most=False).met
    assert replace(quick, goal=None).met is None


def test_no_question_and_no_lesson_of_the_judge_shares_a_seed_with_the_training() -> None:
    taught = max(seeds.stop for seeds in scene_seeds().values())
    lesson = range(judge.FIRST_SEED, judge.FIRST_SEED + judge.SCENES)
    firsts = [taught, lesson.stop, judge.UNSEEN_SEED + 2 * judge.UNSEEN, questions.FIRST_SEED, HELD_OUT_SEED]
    assert firsts == sorted(firsts)
    assert taught < lesson.start < lesson.stop < judge.UNSEEN_SEED
    assert questions.FIRST_SEED + 1_000_000 < HELD_OUT_SEED


@pytest.mark.parametrize("kind", Kind)
def test_questions_are_the_same_in_every_run_and_differ_among_themselves(kind: Kind) -> None:
    asked = questions_of(kind, 40)
    assert asked == questions_of(kind, 40)
    assert len({question.prompt for question in asked}) > 35


@pytest.mark.parametrize("kind", Kind)
def test_picture_that_shows_what_was_asked_is_right_in_everything(kind: Kind) -> None:
    for question in questions_of(kind, 20):
        assert all(checks(question, question.wanted).values())
        nobody = replace(question.wanted, figures=(), place=None, time=None, weather=None, style=None)
        assert not all(checks(question, nobody).values())


def test_order_counts_only_where_the_prompt_says_it() -> None:
    for question in questions_of(Kind.TWO, 20):
        turned = replace(question.wanted, figures=question.wanted.figures[::-1])
        found = checks(question, turned)
        assert found["two subjects: both, each in its colour"]
        assert found.get("two subjects: order right, where asked", False) is False
        assert ("two subjects: order right, where asked" in found) == (question.wanted.layout is not None)


def test_colours_exchanged_between_two_are_wrong() -> None:
    question = questions_of(Kind.TWO, 1)[0]
    one, other = question.wanted.figures
    mixed = (replace(one, colour=other.colour), replace(other, colour=one.colour))
    found = checks(question, replace(question.wanted, figures=mixed))
    assert found["two subjects: both subjects right"]
    assert not found["two subjects: both, each in its colour"]


def test_repainting_starts_with_the_subject_in_another_colour() -> None:
    for question in questions_of(Kind.REPAINT, 10):
        assert question.source is not None
        start, wanted = truth(question.source), question.wanted
        assert (start.place, start.column) == (wanted.place, wanted.column)
        assert start.figures[0].subject == wanted.figures[0].subject
        assert start.figures[0].colour != wanted.figures[0].colour


def test_every_scene_has_a_truth_of_known_words() -> None:
    for seed in range(200):
        found = labels(invent(seeded(seed)))
        for slot, words in SLOT_WORDS.items():
            assert all(answer == SILENT or answer < len(words) for answer in found[slot])
        assert len(found["place"]) == 1
        assert found["place"][0] < len(PLACES)


@pytest.mark.parametrize("kind", [Kind.ONE, Kind.REPAINT])
def test_shipped_model_can_be_asked(kind: Kind) -> None:
    told: list[int] = []
    folder = Path(evaluate.__file__).parent / "weights"
    asking = Evaluation(folder, Judge(Network(), CPU), Sampling(steps=2, guidance=2.0), told.append)
    shares = asking.shares(kind, 3)
    assert told == [3]
    assert {share.of for name, share in shares.items() if not name.endswith("where asked")} == {3}
    assert {wrong.prompt for wrong in asking.wrong} <= {question.prompt for question in questions_of(kind, 3)}
