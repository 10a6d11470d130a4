"""The words for scenes, and the tokenizer that knows them."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from generation.storybook.captions import describe, known_words
from generation.storybook.palette import COLOUR_NAMES, COLOURS
from generation.storybook.scenes import Figure, Layout, Scene, invent, seeded
from generation.storybook.subjects import ITEMS, SUBJECTS
from generation.storybook.vocabulary import LENGTH, build_tokenizer, save_tokenizer, whole_words

TOKENIZER = build_tokenizer(known_words())


def captions(count: int) -> list[str]:
    made = []
    for seed in range(count):
        random = seeded(seed)
        made.append(describe(invent(random), random))
    return made


def test_every_caption_word_is_one_token() -> None:
    words = {word.strip(",") for caption in captions(3000) for word in caption.split()}
    assert not words - set(known_words())
    apart = {"4k"}  # a digit is a token of its own
    assert not [word for word in words - apart if len(TOKENIZER.tokenize(word)) != 1]


def test_caption_is_the_same_for_the_same_seed_in_any_process() -> None:
    line = (
        "from generation.storybook.captions import describe;"
        "from generation.storybook.scenes import invent, seeded; r = seeded(3); print(describe(invent(r), r))"
    )
    said = {subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout}
    assert said == {captions(4)[3] + "\n"}


def test_captions_name_what_the_scene_shows() -> None:
    for seed in range(300):
        random = seeded(seed)
        scene = invent(random)
        caption = describe(scene, random)
        for figure in scene.figures:
            subject = SUBJECTS[figure.subject]
            assert any(name in caption for name in (*subject.names, subject.plural))
            assert figure.item is None or any(name in caption for name in ITEMS[figure.item].names)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_usual_colours_are_often_left_unsaid_and_others_seldom(subject: str) -> None:
    def named(colour: str) -> int:
        random = seeded(1)
        figure = Figure(subject=subject, colour=colour, left=4, top=4, side=9)
        scene = Scene(place="desert", variant=0, layout=Layout.ALONE, figures=(figure,))
        said = [describe(scene, random) for _ in range(100)]
        return sum(any(name in caption for name in COLOUR_NAMES[colour]) for caption in said)

    usual = SUBJECTS[subject].usual
    assert all(named(colour) < 60 for colour in usual)
    assert all(named(colour) > 80 for colour in COLOURS if colour not in usual)


def test_words_of_one_subject_are_no_other_subjects() -> None:
    names = [name for subject in SUBJECTS.values() for name in {*subject.names, subject.plural}]
    assert len(names) == len(set(names))


def test_one_scene_is_said_in_many_ways() -> None:
    scene = invent(seeded(1))
    assert len({describe(scene, seeded(seed)) for seed in range(100)}) > 50


@given(st.text(max_size=60))
def test_unknown_words_fall_apart_without_error(text: str) -> None:
    numbers = TOKENIZER(text).input_ids
    assert numbers[0] == TOKENIZER.bos_token_id
    assert numbers[-1] == TOKENIZER.eos_token_id
    assert all(0 <= number < len(TOKENIZER) for number in numbers)


@pytest.mark.parametrize("text", ["a red cat on the beach", "xylophone", "schön", "漢字"])
def test_tokens_give_the_text_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER(text).input_ids, skip_special_tokens=True).strip() == text


def test_tokenizer_is_the_same_after_saving(tmp_path: Path) -> None:
    save_tokenizer(known_words(), tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again.model_max_length == LENGTH
    for text in (*captions(50), "a photorealistic zebra"):
        assert again(text).input_ids == TOKENIZER(text).input_ids


def test_known_words_of_a_prompt_are_told_from_others() -> None:
    assert whole_words(TOKENIZER, "A red zebra on the beach") == ("a", "red", "on", "the", "beach")
