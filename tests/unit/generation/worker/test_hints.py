"""What ControlNets are shown of a source: edges, strokes, skeletons, depths."""

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from generation import Adapter, AdapterKind, Mode
from generation.storybook import scenes
from generation.worker import skeleton
from generation.worker.adapters import Unfit
from generation.worker.detectors import Detectors
from generation.worker.hints import hint
from tests.controls import small_depth_detector, small_people_detector, small_pose_detector

NONE = Detectors([], torch.device("cpu"))
STANDING = (
    *((64, 20), (68, 16), (60, 16), (72, 18), (56, 18)),  # nose, eyes, ears
    *((80, 40), (48, 40), (90, 60), (38, 60), (95, 80), (33, 80)),  # shoulders, elbows, wrists
    *((74, 80), (54, 80), (76, 100), (52, 100), (78, 122), (50, 122)),  # hips, knees, ankles
)


def a_scene(seed: int = 1) -> Image.Image:
    return scenes.draw(scenes.invent(Random(seed))).resize((256, 256))  # noqa: S311


def a_drawing(paper: int, ink: int) -> Image.Image:
    drawing = Image.new("L", (128, 128), paper)
    ImageDraw.Draw(drawing).ellipse((20, 30, 100, 110), outline=ink, width=3)
    return drawing.convert("RGB")


def found_by(*folders: Path) -> Detectors:
    adapters = [
        Adapter(kind=AdapterKind.DETECTOR, name=folder.name, path=str(folder), sha256="0" * 64)
        for folder in folders
    ]
    return Detectors(adapters, torch.device("cpu"))


def shades(picture: Image.Image) -> set[Any]:
    return {colour for _, colour in picture.getcolors(1 << 24) or ()}


@pytest.mark.parametrize("seed", range(4))
def test_edges_lie_where_a_drawn_scene_changes_its_paint(seed: int) -> None:
    scene = a_scene(seed)
    edges = hint(Mode.EDGES, scene, NONE)
    white = np.asarray(edges.convert("L")) > 0
    levels = np.asarray(scene, np.int16)
    spread = (
        np.asarray(scene.filter(ImageFilter.MaxFilter(3)), np.int16)
        - np.asarray(scene.filter(ImageFilter.MinFilter(3)), np.int16)
    ).max(-1)

    assert shades(edges) == {(0, 0, 0), (255, 255, 255)}
    assert edges.size == scene.size
    assert levels.shape[:2] == white.shape
    assert 0.005 < white.mean() < 0.3
    assert (spread[white] > 20).mean() > 0.95


def test_an_edge_map_is_taken_as_it_is() -> None:
    edges = hint(Mode.EDGES, a_scene(), NONE)
    for mode in (Mode.EDGES, Mode.SKETCH):
        assert hint(mode, edges, NONE).tobytes() == edges.tobytes()


def test_a_pale_picture_has_edges_too() -> None:
    pale = Image.blend(a_scene(), Image.new("RGB", (256, 256), (200, 200, 200)), 0.8)
    assert (np.asarray(hint(Mode.EDGES, pale, NONE)) > 0).mean() > 0.005


def test_a_drawing_becomes_white_strokes_on_black_whatever_its_paper() -> None:
    dark_on_light, light_on_dark = (hint(Mode.SKETCH, a_drawing(*ink), NONE) for ink in ((250, 20), (5, 250)))
    strokes = np.asarray(a_drawing(0, 255).convert("L")) > 0

    assert np.array_equal(np.asarray(dark_on_light.convert("L")) > 0, strokes)
    assert np.array_equal(np.asarray(light_on_dark.convert("L")) > 128, strokes)


def test_any_other_picture_is_sketched_by_its_outlines_with_a_thick_pen() -> None:
    scene = a_scene()
    edges, strokes = (hint(mode, scene, NONE).convert("L") for mode in (Mode.EDGES, Mode.SKETCH))
    near_an_edge = np.asarray(edges.filter(ImageFilter.MaxFilter(9))) > 0
    drawn = np.asarray(strokes) > 0

    assert drawn[near_an_edge].mean() > 0.2
    assert near_an_edge[drawn].mean() > 0.8
    assert np.asarray(strokes.filter(ImageFilter.MinFilter(3))).any()  # which no thin line outlasts
    assert not np.asarray(edges.filter(ImageFilter.MinFilter(3))).any()


@pytest.mark.parametrize("mode", [Mode.EDGES, Mode.SKETCH])
@pytest.mark.parametrize("colour", [(255, 255, 255), (40, 90, 200), (0, 0, 0)])
def test_a_picture_of_one_colour_has_no_lines_and_it_is_said(mode: Mode, colour: tuple[int, int, int]) -> None:
    with pytest.raises(Unfit, match="of one colour, so there are no lines"):
        hint(mode, Image.new("RGB", (64, 64), colour), NONE)


def test_a_skeleton_is_drawn_in_openposes_colours() -> None:
    picture = skeleton.draw([STANDING], (128, 128))

    assert picture.getpixel((64, 20)) == (255, 0, 0)  # the nose
    assert picture.getpixel((64, 40)) == (255, 85, 0)  # the neck, between the shoulders
    assert picture.getpixel((48, 40)) == (255, 170, 0)  # the right shoulder
    assert picture.getpixel((80, 40)) == (85, 255, 0)  # the left one
    assert picture.getpixel((78, 122)) == (85, 0, 255)  # the left ankle
    assert picture.getpixel((56, 40)) == (153, 0, 0)  # the limb from neck to right shoulder, at 0.6
    assert picture.getpixel((5, 5)) == (0, 0, 0)


def test_what_is_not_seen_of_a_person_is_not_drawn() -> None:
    without_arm = [joint if place not in {7, 9} else None for place, joint in enumerate(STANDING)]

    assert skeleton.draw([without_arm], (128, 128)).getpixel((90, 60)) == (0, 0, 0)
    assert skeleton.draw([[None] * 17], (128, 128)).getextrema() == ((0, 0),) * 3


def test_a_skeleton_is_taken_as_it_is_also_from_a_jpeg(tmp_path: Path) -> None:
    picture = skeleton.draw([STANDING], (128, 128))
    picture.save(tmp_path / "skeleton.jpg", quality=90)
    with Image.open(tmp_path / "skeleton.jpg") as jpeg:
        for given in (picture, jpeg.convert("RGB")):
            assert hint(Mode.POSE, given, NONE).tobytes() == given.tobytes()


@pytest.mark.parametrize("source", [a_scene(), a_drawing(0, 255), Image.new("RGB", (64, 64))])
def test_without_a_keypoint_model_what_is_no_skeleton_is_refused_in_words(source: Image.Image) -> None:
    with pytest.raises(Unfit, match="no skeleton, and nothing here finds how people stand") as refused:
        hint(Mode.POSE, source, NONE)
    assert "easel models add vitpose" in str(refused.value)


# Small detectors know nothing, and find something all the same.
def test_people_are_found_and_drawn_as_skeletons(tmp_path: Path) -> None:
    pose = small_pose_detector(tmp_path / "pose")
    one = hint(Mode.POSE, a_scene(), found_by(pose))
    several = hint(Mode.POSE, a_scene(), found_by(pose, small_people_detector(tmp_path / "people")))

    assert one.size == (256, 256)
    assert len(shades(one)) > 5
    assert several.tobytes() != one.tobytes()


def test_where_nobody_is_found_it_is_said(tmp_path: Path) -> None:
    detectors = found_by(
        small_pose_detector(tmp_path / "pose"), small_people_detector(tmp_path / "people", finds=False)
    )
    with pytest.raises(Unfit, match="Nobody is found in this picture"):
        hint(Mode.POSE, a_scene(), detectors)


def test_depths_go_from_black_to_white(tmp_path: Path) -> None:
    depths = hint(Mode.DEPTH, a_scene(), found_by(small_depth_detector(tmp_path / "depth")))

    assert depths.size == (256, 256)
    assert depths.getextrema() == ((0, 255),) * 3


def test_without_a_depth_model_a_grey_picture_shows_depths_and_another_is_refused() -> None:
    grey = a_scene().convert("L")

    assert hint(Mode.DEPTH, grey, NONE).tobytes() == grey.convert("RGB").tobytes()
    with pytest.raises(Unfit, match="easel models add depth-anything"):
        hint(Mode.DEPTH, a_scene(), NONE)


def test_a_detector_that_is_not_whole_is_refused_by_name(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    cut, lacking = small_pose_detector(tmp_path / "cut"), small_pose_detector(tmp_path / "lacking")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    tensors = load_file(lacking / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if k != "head.conv.bias"}, lacking / "model.safetensors")

    with pytest.raises(Unfit, match="cut cannot be read: ask whoever runs this bot"):
        hint(Mode.POSE, a_scene(), found_by(cut))
    with pytest.raises(Unfit, match=r"lacking lacks head\.conv\.bias"):
        hint(Mode.POSE, a_scene(), found_by(lacking))
    (lacking / "config.json").write_text(json.dumps({}))
    with pytest.raises(Unfit, match="lacking cannot be read"):
        found_by(lacking)
