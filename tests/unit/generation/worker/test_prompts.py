"""What the denoising network is told."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import (
    FluxPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)

from generation.storybook.vocabulary import build_tokenizer
from generation.worker.adapters import Embedding, Unfit
from generation.worker.lending import Lent
from generation.worker.memory import Step, Weights
from generation.worker.prompts import encode, unknown_words
from tests.models import small_flux, small_sd1, small_sd3, small_sdxl


@pytest.fixture(scope="module")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = small_sd1(tmp_path_factory.mktemp("prompts") / "sd1")
    return StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, requires_safety_checker=False)


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(small_sdxl(tmp_path_factory.mktemp("prompts") / "sdxl"))


@pytest.fixture(scope="module")
def sd3(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return StableDiffusion3Pipeline.from_pretrained(small_sd3(tmp_path_factory.mktemp("prompts") / "sd3"))


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return FluxPipeline.from_pretrained(small_flux(tmp_path_factory.mktemp("prompts") / "flux"))


@torch.inference_mode()
def test_an_unweighted_prompt_is_encoded_to_the_pipelines_own_bits(sd1: Any, sdxl: Any) -> None:
    ours = encode(sd1, "a red cat, :)", "fog", guided=True)
    theirs = sd1.encode_prompt("a red cat, :)", "cpu", 1, True, "fog")
    assert torch.equal(ours.prompt_embeds, theirs[0])
    assert torch.equal(ours.negative_prompt_embeds, theirs[1])

    for negative in ("fog", None):
        ours = encode(sdxl, "a red cat", negative or "", guided=True)
        theirs = sdxl.encode_prompt(prompt="a red cat", negative_prompt=negative, device="cpu")
        for mine, other in zip(vars(ours).values(), theirs, strict=True):
            assert torch.equal(mine, other)


@torch.inference_mode()
def test_a_long_prompt_and_a_short_negative_one_become_equally_long(sd1: Any, sdxl: Any) -> None:
    for pipeline in (sd1, sdxl):
        for prompt, negative in (("cat " * 60, "fog"), ("cat", "fog " * 60)):
            told = encode(pipeline, prompt, negative, guided=True)
            assert told.prompt_embeds.shape == told.negative_prompt_embeds.shape
            assert told.prompt_embeds.shape[1] == 3 * 77  # 180 letters, 75 in each piece


@torch.inference_mode()
def test_a_weight_changes_what_is_weighted_in_its_proportion(sd1: Any) -> None:
    plain, empty = (encode(sd1, text, "", guided=False).prompt_embeds[0] for text in ("a red cat", ""))
    weighted = encode(sd1, "a (red:1.5) cat", "", guided=False).prompt_embeds[0]

    changed = (weighted != plain).any(dim=-1).nonzero().flatten().tolist()

    assert changed == [2, 3, 4]  # after the start sign and "a", a token a letter
    assert torch.allclose(weighted[3] - empty[3], 1.5 * (plain[3] - empty[3]), atol=1e-5)


@torch.inference_mode()
def test_nothing_is_said_for_the_negative_prompt_where_nobody_listens(sd1: Any) -> None:
    assert encode(sd1, "a", "b", guided=False).arguments().keys() == {"prompt_embeds"}


@torch.inference_mode()
def test_break_fills_a_chunk_up_and_begins_another(sd1: Any) -> None:
    told = encode(sd1, "a cat BREAK a dog", "", guided=True)
    first, second = (encode(sd1, text, "", guided=False).prompt_embeds for text in ("a cat", "a dog"))

    assert torch.equal(told.prompt_embeds, torch.cat([first, second], dim=1))
    assert told.negative_prompt_embeds.shape == told.prompt_embeds.shape


@torch.inference_mode()
def test_a_long_prompt_is_cut_after_a_comma_where_one_is_near(sd1: Any) -> None:
    first, second = "x" * 70 + ",", "y" * 10  # 71 of the 75 tokens that fit, a token a letter
    cut = encode(sd1, f"{first}{second}", "", guided=False).prompt_embeds
    broken = encode(sd1, f"{first} BREAK {second}", "", guided=False).prompt_embeds
    assert torch.equal(cut, broken)

    far = encode(sd1, "x" * 50 + "," + "y" * 40, "", guided=False).prompt_embeds
    assert not torch.equal(far, encode(sd1, "x" * 50 + ", BREAK " + "y" * 40, "", guided=False).prompt_embeds)


@torch.inference_mode()
def test_a_blend_is_the_mean_of_what_its_texts_say(sd1: Any, sdxl: Any) -> None:
    for pipeline in (sd1, sdxl):
        long = "dog " * 30
        blend = encode(pipeline, f'("red cat", "{long}").blend(3, 1)', "", guided=False)
        cat = encode(pipeline, "red cat", "", guided=False)
        dog = encode(pipeline, long, "", guided=False)
        length = cat.prompt_embeds.shape[1]
        mean = 0.75 * cat.prompt_embeds + 0.25 * dog.prompt_embeds[:, :length]
        assert blend.prompt_embeds.shape == dog.prompt_embeds.shape
        assert torch.allclose(blend.prompt_embeds[:, :length], mean, atol=1e-6)
        if blend.pooled_prompt_embeds is not None:
            mean = 0.75 * cat.pooled_prompt_embeds + 0.25 * dog.pooled_prompt_embeds
            assert torch.allclose(blend.pooled_prompt_embeds, mean, atol=1e-6)


@torch.inference_mode()
def test_clip_skip_takes_an_earlier_layer_through_the_last_norm(sd1: Any) -> None:
    ids = sd1.tokenizer("a cat", padding="max_length", return_tensors="pt").input_ids
    states = sd1.text_encoder(ids, output_hidden_states=True).hidden_states
    norm = sd1.text_encoder.final_layer_norm

    plain, one, two, three = (
        encode(sd1, "a cat", "", guided=False, **options).prompt_embeds
        for options in ({}, {"clip_skip": 1}, {"clip_skip": 2}, {"clip_skip": 3})
    )

    assert torch.equal(plain, one)
    assert torch.equal(one, norm(states[3]))  # after the last of three layers
    assert torch.equal(two, norm(states[2]))
    assert torch.equal(three, norm(states[1]))
    with pytest.raises(Unfit, match="has 3 layers: clip skip goes from 1 to 3"):
        encode(sd1, "a cat", "", guided=False, clip_skip=4)


@torch.inference_mode()
def test_an_embedding_stands_where_its_name_stands(sd1: Any) -> None:
    # The vectors of the letters of "cat" say what "cat" says.
    table = sd1.text_encoder.get_input_embeddings().weight
    letters = sd1.tokenizer("cat", add_special_tokens=False).input_ids
    embeddings = {"easy-neg.v2": Embedding(vectors=(table[letters].clone(),))}

    for typed in ("a Easy-Neg.v2 dog", "a <easy-neg.v2> dog"):
        told = encode(sd1, typed, "", guided=False, embeddings=embeddings)
        assert torch.equal(told.prompt_embeds, encode(sd1, "a cat dog", "", guided=False).prompt_embeds)
    weighted = encode(sd1, "a (easy-neg.v2:1.3) dog", "", guided=False, embeddings=embeddings)
    expected = encode(sd1, "a (cat:1.3) dog", "", guided=False)
    assert torch.equal(weighted.prompt_embeds, expected.prompt_embeds)

    plain = encode(sd1, "easy-neg.v2s", "", guided=False)
    told = encode(sd1, "easy-neg.v2s", "", guided=False, embeddings=embeddings)
    assert torch.equal(told.prompt_embeds, plain.prompt_embeds)  # a longer word is another one


@torch.inference_mode()
def test_an_embedding_is_never_cut_in_two(sd1: Any) -> None:
    table = sd1.text_encoder.get_input_embeddings().weight
    letters = sd1.tokenizer("catcat", add_special_tokens=False).input_ids
    told = encode(
        sd1, "x" * 72 + " six", "", guided=False, embeddings={"six": Embedding(vectors=(table[letters].clone(),))}
    )
    expected = encode(sd1, "x" * 72 + " BREAK catcat", "", guided=False)
    assert torch.equal(told.prompt_embeds, expected.prompt_embeds)


def test_words_that_a_small_vocabulary_lacks_are_named_once_as_they_were_typed() -> None:
    tokenizer = build_tokenizer(("a", "red", "cat", "the", "on"))
    pipeline = SimpleNamespace(tokenizer=tokenizer)

    def unknown(*prompts: str, **options: Any) -> tuple[str, ...]:
        return unknown_words(pipeline, *prompts, **options)

    assert unknown("a red cat") == ()
    assert unknown("A Red (Dragon:1.3), the cat's castle!", "[dragon] 7 fog 16:9") == ("dragon", "castle", "fog")
    assert unknown("1,000 :) -- <3 🐈 ...") == ()
    assert unknown("Žluťoučký cat, ein Schloß") == ("Žluťoučký", "ein", "Schloß")
    assert unknown('("a cat", "a unicorn").blend(1, 1) <lora:ink>') == ("unicorn",)
    assert unknown("ink cat", embeddings={"ink": Embedding(vectors=())}) == ()


def test_a_large_vocabulary_knows_every_word() -> None:
    tokenizer = build_tokenizer(("cat",))
    tokenizer.add_tokens([f"word{number}" for number in range(5000)])
    assert len(tokenizer) > 5000
    assert unknown_words(SimpleNamespace(tokenizer=tokenizer), "dragon") == ()


@torch.inference_mode()
def test_sd3_and_flux_are_told_the_pipelines_own_bits(sd3: Any, flux: Any) -> None:
    ours = encode(sd3, "a red cat, :)", "fog", guided=True)
    theirs = sd3.encode_prompt("a red cat, :)", None, None, negative_prompt="fog", device="cpu")
    for mine, other in zip(vars(ours).values(), theirs, strict=True):
        assert torch.equal(mine, other)

    ours = encode(flux, "a red cat, :)", "", guided=False)
    states, pooled, _ = flux.encode_prompt("a red cat, :)", device="cpu", max_sequence_length=256)
    assert torch.equal(ours.prompt_embeds, states)
    assert torch.equal(ours.pooled_prompt_embeds, pooled)
    assert ours.negative_prompt_embeds is None


@torch.inference_mode()
def test_every_word_of_a_long_prompt_is_told_to_sd3_and_flux(sd3: Any, flux: Any) -> None:
    long = "cat " * 100  # 300 letters, a token each, and 100 spaces for T5
    for pipeline, tokens in ((sd3, 4 * 77 + 2 * 256), (flux, 2 * 256)):
        told = encode(pipeline, long, "fog", guided=True)
        assert told.prompt_embeds.shape == told.negative_prompt_embeds.shape
        assert told.prompt_embeds.shape[1] == tokens
        other = encode(pipeline, long + "dog", "fog", guided=True)
        assert not torch.equal(told.prompt_embeds, other.prompt_embeds)


@torch.inference_mode()
def test_a_weight_changes_what_is_weighted_for_every_text_encoder(sd3: Any, flux: Any) -> None:
    for pipeline, words in ((sd3, [2, 3, 4, 77 + 2, 77 + 3, 77 + 4, 77 + 5]), (flux, [2, 3, 4, 5])):
        plain, weighted = (
            encode(pipeline, text, "", guided=False).prompt_embeds[0] for text in ("a red cat", "a (red:1.5) cat")
        )
        changed = (weighted != plain).any(dim=-1).nonzero().flatten().tolist()
        assert changed == words  # CLIP has a token a letter, T5 one for the space as well


@torch.inference_mode()
def test_a_blend_is_the_mean_for_sd3_and_flux(sd3: Any, flux: Any) -> None:
    for pipeline in (sd3, flux):
        blend, cat, dog = (
            encode(pipeline, text, "", guided=False) for text in ('("cat", "dog").blend(3, 1)', "cat", "dog")
        )
        for name in ("prompt_embeds", "pooled_prompt_embeds"):
            mean = 0.75 * getattr(cat, name) + 0.25 * getattr(dog, name)
            assert torch.allclose(getattr(blend, name), mean, atol=1e-6)


@torch.inference_mode()
def test_sd3_without_its_largest_text_encoder_hears_the_others(sd3: Any) -> None:
    parts = {**sd3.components, "text_encoder_3": None, "tokenizer_3": None}
    small = type(sd3)(**parts)
    ours = encode(small, "a red cat", "fog", guided=True)
    theirs = small.encode_prompt("a red cat", None, None, negative_prompt="fog", device="cpu")
    for mine, other in zip(vars(ours).values(), theirs, strict=True):
        assert torch.equal(mine, other)


@torch.inference_mode()
def test_what_sd3_is_told_without_it_lies_where_the_others_compute_though_they_are_only_lent(sd3: Any) -> None:
    elsewhere = torch.device("meta")
    clips = {name: deepcopy(sd3.components[name]) for name in ("text_encoder", "text_encoder_2")}
    for name, clip in clips.items():  # each by itself, since from there none comes back
        Lent({name: clip}, Step(dtype=torch.float32, weights=Weights.BY_PART), elsewhere)
    small = type(sd3)(**sd3.components | clips | {"text_encoder_3": None, "tokenizer_3": None})

    assert encode(small, "a red cat", "fog", guided=True).prompt_embeds.device == elsewhere


@torch.inference_mode()
def test_an_embedding_is_read_by_both_clips_of_sd3_and_passed_over_by_t5(sd3: Any) -> None:
    letters = sd3.tokenizer("cat", add_special_tokens=False).input_ids
    tables = (encoder.get_input_embeddings().weight for encoder in (sd3.text_encoder, sd3.text_encoder_2))
    embeddings = {"easyneg": Embedding(vectors=tuple(table[letters].clone() for table in tables))}

    told = encode(sd3, "a easyneg dog", "", guided=False, embeddings=embeddings).prompt_embeds
    assert torch.equal(told[:, :77], encode(sd3, "a cat dog", "", guided=False).prompt_embeds[:, :77])
    alone = encode(sd3, "easyneg", "", guided=False, embeddings=embeddings).prompt_embeds
    assert torch.equal(alone[:, 77:], encode(sd3, "", "", guided=False).prompt_embeds[:, 77:])
