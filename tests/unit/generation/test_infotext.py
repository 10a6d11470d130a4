"""AUTOMATIC1111's text: what is written is read back, and what that program writes is understood."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation import Mode, Scheduler
from generation.infotext import read, write
from generation.request import SEED_LIMIT
from tests.recipes import a_recipe

# Of another program's own text; a prompt that looks like it cannot be told from it there either.
prompts = st.text("ab,.é赤()1\"'\\ ", min_size=1, max_size=40).map(lambda text: f"x{text}".strip())

seeds = st.integers(0, SEED_LIMIT - 1)
CONTROLS = (Mode.EDGES, Mode.SKETCH, Mode.POSE, Mode.DEPTH)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prompt=prompts,
    negative=st.just("") | prompts,
    scheduler=st.sampled_from(Scheduler),
    guidance=st.integers(0, 300).map(lambda tenths: tenths / 10),
    seed=seeds,
    clip_skip=st.integers(1, 3),
    model=st.sampled_from(["storybook", "my, model", 'a "b": c']),
    variation=st.none() | st.tuples(st.integers(0, 100).map(lambda hundredths: hundredths / 100), seeds),
    control=st.none()
    | st.tuples(st.sampled_from([*CONTROLS]), st.integers(0, 100), st.text("ab .é_()", min_size=1)),
)
def test_what_is_written_is_read_back(
    prompt: str,
    negative: str,
    scheduler: Scheduler,
    guidance: float,
    seed: int,
    clip_skip: int,
    model: str,
    variation: tuple[float, int] | None,
    control: tuple[Mode, int, str] | None,
) -> None:
    varied = {} if variation is None else {"variation": variation[0], "variation_seeds": (variation[1],)}
    controlled = (
        {} if control is None else {"mode": control[0], "strength": control[1] / 100, "control": f"x{control[2]}x"}
    )
    recipe = a_recipe(
        prompt=prompt,
        negative_prompt=negative,
        scheduler=scheduler,
        guidance_scale=guidance,
        seeds=(seed,),
        clip_skip=clip_skip,
        model=model,
        **varied,
        **controlled,
    )
    found = read(write(recipe))
    request = {name: value for name, value in vars(recipe.to_request()).items() if value not in (None, "")}
    for name in (
        "count",
        "style",
        *(() if control else ("mode",)),
    ):  # written otherwise, or following from the rest
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
        "scheduler": Scheduler.DPM_SDE_KARRAS,
        "clip_skip": 2,
    }
    assert set(found.not_taken) == {
        "seed 4294967296",
        "sampler DPM++ 2S a Karras (DPM++ SDE Karras instead)",
        "VAE nice, vae.pt",
        "Denoising strength 0.5",
        "Hires upscale 2",
    }


UNIT = "Module: {module}, Model: {model}, Weight: {weight}, Processor Res: 512, Guidance End: {end}"


@pytest.mark.parametrize(
    ("module", "model", "weight", "end", "options"),
    [
        ("canny", "control_v11p_sd15_canny [d14c016b]", "1", "1.0", (Mode.EDGES, "control_v11p_sd15_canny", 0.5)),
        (
            "none",
            "control_v11f1p_sd15_depth [cfd03158]",
            "0.5",
            "1",
            (Mode.DEPTH, "control_v11f1p_sd15_depth", 0.75),
        ),
        ("openpose_full", "mine", "2.0", "1", (Mode.POSE, "mine", 0.0)),
        ("ip-adapter_clip_sd15", "ip-adapter_sd15_light [932b88cf]", "1", "1", None),
        ("canny", "control_v11p_sd15_canny [d14c016b]", "1", "0.77", None),
        ("canny", "control_v11p_sd15_canny [d14c016b]", "2.5", "1", None),
        ("canny", "control_v11p_sd15_canny [d14c016b]", "much", "1", None),
    ],
)
def test_a_controlnet_of_another_program_is_taken_where_easel_does_the_same(
    module: str, model: str, weight: str, end: str, options: tuple[Mode, str, float] | None
) -> None:
    unit = UNIT.format(module=module, model=model, weight=weight, end=end)
    found = read(f'a cat\nSteps: 20, Seed: 1, Size: 64x64, ControlNet 0: "{unit}"')

    if options is None:
        assert found.options.keys() == {"prompt", "num_inference_steps", "seed", "size"}
        assert found.not_taken[0].startswith(f"ControlNet 0 Module: {module}")
    else:
        mode, control, strength = options
        assert found.options.items() >= {"mode": mode, "control": control, "strength": strength}.items()
        assert found.not_taken == ()


def test_a_controlnet_beside_a_source_is_named_and_left() -> None:
    unit = UNIT.format(module="canny", model="mine", weight=1, end=1)
    found = read(f'a cat\nSteps: 20, Seed: 1, Denoising strength: 0.4, ControlNet 0: "{unit}"')

    assert found.options["strength"] == 0.4
    assert "control" not in found.options
    assert len(found.not_taken) == 1


def test_a_controlnet_is_written_as_its_extension_reads_it() -> None:
    recipe = a_recipe(mode=Mode.EDGES, control="canny-sd15", strength=0.25, source="a" * 64)
    unit = (
        "Module: canny, Model: canny-sd15, Weight: 1.5, Resize Mode: Crop and Resize, Guidance Start: 0.0, "
        "Guidance End: 1.0, Control Mode: Balanced"
    )

    assert f'ControlNet 0: "{unit}", Version:' in write(recipe)
    assert "Denoising" not in write(recipe)
    assert "ControlNet" not in write(a_recipe(mode=Mode.EDGES, control="a: b", strength=0.25, source="a" * 64))


@pytest.mark.parametrize(
    ("written", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", Scheduler.DPM_2M_KARRAS),
        ("Sampler: DPM++ 2M", Scheduler.DPM_2M),
        ("Sampler: DPM++ 2M, Schedule type: Automatic", Scheduler.DPM_2M_KARRAS),
        ("Sampler: DPM++ 2M, Schedule type: Uniform", Scheduler.DPM_2M),
        ("Sampler: Euler a, Schedule type: Automatic", Scheduler.EULER_A),
        ("Sampler: Euler, Schedule type: Karras", Scheduler.EULER_KARRAS),
        ("Sampler: DPM++ 2M SDE, Schedule type: Automatic", Scheduler.DPM_2M_SDE_EXPONENTIAL),
        ("Sampler: DPM++ 2M SDE", Scheduler.DPM_2M_SDE),
        ("Sampler: DPM++ SDE, Schedule type: Automatic", Scheduler.DPM_SDE_KARRAS),
        ("Sampler: DPM2 a, Schedule type: Automatic", Scheduler.DPM2_A_KARRAS),
        ("Sampler: LMS, Schedule type: Automatic", Scheduler.LMS),
    ],
)
def test_a_sampler_and_its_schedule_are_one_name(written: str, scheduler: Scheduler) -> None:
    found = read(f"a cat\nSteps: 20, {written}, Seed: 1")

    assert found.options["scheduler"] is scheduler
    assert found.not_taken == ()


@pytest.mark.parametrize(
    ("written", "scheduler"),
    [
        ("Sampler: Euler, Schedule type: Exponential", Scheduler.EULER),
        ("Sampler: DPM++ 2M, Schedule type: SGM Uniform", Scheduler.DPM_2M),
        ("Sampler: LMS Karras", Scheduler.LMS),
        ("Sampler: DPM++ 2S a Karras", Scheduler.DPM_SDE_KARRAS),
        ("Sampler: DPM++ 2M SDE Heun", Scheduler.DPM_2M_SDE),
        ("Sampler: Restart", Scheduler.HEUN),
    ],
)
def test_the_closest_one_stands_for_a_sampler_that_easel_has_not(written: str, scheduler: Scheduler) -> None:
    found = read(f"a cat\nSteps: 20, {written}, Seed: 1")

    assert found.options["scheduler"] is scheduler
    assert found.not_taken[0].endswith(f"({scheduler} instead)")


def test_a_sampler_that_nothing_comes_close_to_is_left_out() -> None:
    found = read("a cat\nSteps: 20, Sampler: res_multistep, Seed: 1")

    assert "scheduler" not in found.options
    assert found.not_taken == ("sampler res_multistep",)


@pytest.mark.parametrize("text", ["", "\n\n", "a cat", "Steps: 20", 'Steps: "' + "\\" * 50_000, "a: " * 50_000])
def test_any_text_is_read_in_no_time(text: str) -> None:
    assert read(text).program == "AUTOMATIC1111"
