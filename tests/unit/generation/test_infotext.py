"""AUTOMATIC1111's text: what is written is read back, and what that program writes is understood."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation import Scheduler
from generation.infotext import read, write
from generation.request import SEED_LIMIT
from tests.recipes import a_recipe

# Of another program's own text; a prompt that looks like it cannot be told from it there either.
prompts = st.text("ab,.é赤()1\"'\\ ", min_size=1, max_size=40).map(lambda text: f"x{text}".strip())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompt=prompts,
    negative=st.just("") | prompts,
    scheduler=st.sampled_from(Scheduler),
    guidance=st.integers(0, 300).map(lambda tenths: tenths / 10),
    seed=st.integers(0, SEED_LIMIT - 1),
    clip_skip=st.integers(1, 3),
    model=st.sampled_from(["storybook", "my, model", 'a "b": c']),
)
def test_what_is_written_is_read_back(
    prompt: str, negative: str, scheduler: Scheduler, guidance: float, seed: int, clip_skip: int, model: str
) -> None:
    recipe = a_recipe(
        prompt=prompt,
        negative_prompt=negative,
        scheduler=scheduler,
        guidance_scale=guidance,
        seeds=(seed,),
        clip_skip=clip_skip,
        model=model,
    )
    found = read(write(recipe))
    request = {name: value for name, value in vars(recipe.to_request()).items() if value not in (None, "")}
    for name in ("count", "mode", "style"):  # which are written otherwise, or follow from the rest
        request.pop(name)
    assert found.options == request
    assert found.not_taken == ()


def test_another_programs_text_is_understood_as_far_as_it_goes() -> None:
    found = read(
        "a (red:1.2) cat,\non the beach\nNegative prompt: fog,\nmist\n"
        "Steps: 30, Sampler: DPM++ 2S a, Schedule type: Karras, CFG scale: 7, Seed: 4294967296, Size: 512x768, "
        'Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE: "nice, vae.pt", Denoising strength: 0.5, '
        "Hires upscale: 2, Clip skip: 2, Version: v1.10.1"
    )
    assert found.options == {
        "prompt": "a (red:1.2) cat,\non the beach",
        "negative_prompt": "fog,\nmist",
        "num_inference_steps": 30,
        "guidance_scale": 7.0,
        "size": "512x768",
        "model": "v1-5-pruned-emaonly",
        "clip_skip": 2,
    }
    assert set(found.not_taken) == {
        "seed 4294967296",
        "sampler DPM++ 2S a Karras",
        "VAE nice, vae.pt",
        "Denoising strength 0.5",
        "Hires upscale 2",
    }


@pytest.mark.parametrize(
    ("written", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", Scheduler.DPM_2M_KARRAS),
        ("Sampler: DPM++ 2M", Scheduler.DPM_2M),
        ("Sampler: DPM++ 2M, Schedule type: Automatic", Scheduler.DPM_2M_KARRAS),
        ("Sampler: DPM++ 2M, Schedule type: Uniform", Scheduler.DPM_2M),
        ("Sampler: Euler a, Schedule type: Automatic", Scheduler.EULER_A),
        ("Sampler: Euler, Schedule type: Karras", Scheduler.EULER_KARRAS),
        ("Sampler: Euler, Schedule type: Exponential", None),
        ("Sampler: DPM++ 2M SDE, Schedule type: Automatic", Scheduler.DPM_2M_SDE_EXPONENTIAL),
        ("Sampler: DPM++ 2M SDE", Scheduler.DPM_2M_SDE),
        ("Sampler: DPM++ SDE, Schedule type: Automatic", Scheduler.DPM_SDE_KARRAS),
        ("Sampler: DPM2 a, Schedule type: Automatic", Scheduler.DPM2_A_KARRAS),
        ("Sampler: LMS, Schedule type: Automatic", Scheduler.LMS),
        ("Sampler: LMS Karras", None),
    ],
)
def test_a_sampler_and_its_schedule_are_one_name(written: str, scheduler: Scheduler | None) -> None:
    assert read(f"a cat\nSteps: 20, {written}, Seed: 1").options.get("scheduler") is scheduler


@pytest.mark.parametrize("text", ["", "\n\n", "a cat", "Steps: 20", 'Steps: "' + "\\" * 50_000, "a: " * 50_000])
def test_any_text_is_read_in_no_time(text: str) -> None:
    assert read(text).program == "AUTOMATIC1111"
