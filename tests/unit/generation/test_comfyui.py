"""ComfyUI's graphs: what people draw with is understood, and nothing in them does harm."""

import json
from typing import Any

import pytest

from generation import FoundRecipe, Scheduler
from generation.comfyui import read
from generation.prompt import read as read_prompt

GRAPH: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5,
            "steps": 20,
            "cfg": 7.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
            "model": ["10", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd\\v1-5-pruned.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red cat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "model": ["4", 0]}},
}


def changed(kind: str = "KSampler", /, **inputs: Any) -> dict[str, Any]:
    """The graph with other inputs of its sampler, or with another sampler."""
    return GRAPH | {"3": {"class_type": kind, "inputs": GRAPH["3"]["inputs"] | inputs}}


def found_in(graph: dict[str, Any]) -> FoundRecipe:
    found = read(json.dumps(graph))
    assert found is not None
    return found


def test_the_usual_graph_is_understood() -> None:
    found = read(json.dumps(GRAPH))
    assert found is not None
    assert found.options == {
        "prompt": "a red cat <lora:ink:1>",
        "negative_prompt": "fog",
        "model": "v1-5-pruned",
        "size": "512x768",
        "seed": 5,
        "num_inference_steps": 20,
        "guidance_scale": 7.5,
        "scheduler": Scheduler.DPM_2M_KARRAS,
    }
    assert found.not_taken == ()


def test_the_advanced_sampler_is_understood() -> None:
    graph = {
        "1": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["2", 0],
                "guider": ["3", 0],
                "sampler": ["4", 0],
                "sigmas": ["5", 0],
                "latent_image": ["6", 0],
            },
        },
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["9", 0]}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "normal", "steps": 4, "denoise": 1}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-schnell.safetensors"}},
        "8": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["10", 0], "guidance": 3.5}},
        "9": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
        "10": {"class_type": "CLIPTextEncode", "inputs": {"text": "a boat", "clip": ["7", 1]}},
    }
    found = read(json.dumps(graph))
    assert found is not None
    assert found.options == {
        "prompt": "a boat",
        "model": "flux1-schnell",
        "size": "1024x1024",
        "seed": 7,
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
        "scheduler": Scheduler.EULER,
    }


@pytest.mark.parametrize(
    ("sampling", "schedule", "scheduler"),
    [
        ("euler", "karras", Scheduler.EULER_KARRAS),
        ("dpm_2_ancestral", "normal", Scheduler.DPM2_A),
        ("dpmpp_sde_gpu", "karras", Scheduler.DPM_SDE_KARRAS),
        ("dpmpp_2m_sde", "exponential", Scheduler.DPM_2M_SDE_EXPONENTIAL),
        ("dpmpp_3m_sde_gpu", "normal", Scheduler.DPM_3M_SDE),
        ("uni_pc_bh2", "normal", Scheduler.UNIPC),
        ("lms", "normal", Scheduler.LMS),
    ],
)
def test_a_sampler_and_its_schedule_are_one_name(sampling: str, schedule: str, scheduler: Scheduler) -> None:
    found = read(json.dumps(changed(sampler_name=sampling, scheduler=schedule)))
    assert found is not None
    assert found.options["scheduler"] is scheduler


def test_what_easel_has_not_is_named_and_not_guessed() -> None:
    found = read(json.dumps(changed(sampler_name="res_multistep", scheduler="beta", seed=2**40, steps="many")))
    assert found is not None
    assert not {"scheduler", "seed", "num_inference_steps"} & found.options.keys()
    assert set(found.not_taken) >= {"sampler res_multistep beta", f"seed {2**40}", "steps many"}


def test_from_a_picture_there_is_a_strength_and_no_size() -> None:
    graph = changed(denoise=0.6) | {"5": {"class_type": "VAEEncode", "inputs": {"pixels": ["99", 0]}}}
    found = read(json.dumps(graph))
    assert found is not None
    assert found.options["strength"] == 0.6
    assert "size" not in found.options


@pytest.mark.parametrize(
    ("inputs", "tag"),
    [
        ({"lora_name": "sub/ink.safetensors", "strength_model": 0.8, "strength_clip": 0.8}, "<lora:ink:0.8>"),
        ({"lora_name": "ink.pt", "strength_model": 0.8, "strength_clip": 1}, "<lora:ink:1:0.8>"),
        ({"lora_name": "ink.safetensors", "strength_model": -1e-3}, "<lora:ink:-0.001>"),
    ],
)
def test_a_lora_is_asked_for_in_the_prompt_as_strongly_as_it_was(inputs: dict[str, Any], tag: str) -> None:
    found = found_in(GRAPH | {"10": {"class_type": "LoraLoader", "inputs": {"model": ["4", 0]} | inputs}})
    assert found.options["prompt"] == f"a red cat {tag}"
    assert [(each.name, each.weight) for each in read_prompt(tag).loras] == [("ink", inputs["strength_model"])]
    assert found.not_taken == ()


def test_a_lora_that_acts_twice_is_asked_for_once_and_named() -> None:
    twice = {"class_type": "LoraLoader", "inputs": {"lora_name": "more/Ink.safetensors", "model": ["4", 0]}}
    once = {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "model": ["11", 0]}}
    found = found_in(GRAPH | {"10": once, "11": twice})
    assert found.options["prompt"] == "a red cat <lora:ink:1>"
    assert found.not_taken == ("LoRA more/Ink.safetensors",)


def test_a_lora_for_the_model_alone_leaves_the_text_encoder_as_it_is() -> None:
    inputs = {"lora_name": "ink.safetensors", "strength_model": 0.5, "model": ["4", 0]}
    found = found_in(GRAPH | {"10": {"class_type": "LoraLoaderModelOnly", "inputs": inputs}})
    assert found.options["prompt"] == "a red cat <lora:ink:0:0.5>"


@pytest.mark.parametrize(
    "inputs",
    [
        {"lora_name": "a:b.safetensors"},
        {"lora_name": "{a|b}.safetensors"},
        {"lora_name": "ink.safetensors", "strength_model": 11},
        {"lora_name": "ink.safetensors", "strength_model": 0.5, "strength_clip": float("nan")},
        {"lora_name": "ink.safetensors", "strength_model": "strong"},
    ],
)
def test_a_lora_that_no_prompt_can_ask_for_is_named(inputs: dict[str, Any]) -> None:
    found = found_in(GRAPH | {"10": {"class_type": "LoraLoader", "inputs": {"model": ["4", 0]} | inputs}})
    assert found.options["prompt"] == "a red cat"
    assert found.options["model"] == "v1-5-pruned"
    assert found.not_taken == (f"LoRA {inputs['lora_name']}",)


@pytest.mark.parametrize(("layer", "clip_skip"), [(-1, 1), (-2, 2), (-12, 12)])
def test_the_layer_of_the_text_encoder_is_counted_from_its_end(layer: int, clip_skip: int) -> None:
    last = {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": layer, "clip": ["4", 1]}}
    encode = {"class_type": "CLIPTextEncode", "inputs": {"text": "a red cat", "clip": ["12", 1]}}
    lora = {"class_type": "LoraLoader", "inputs": {"lora_name": "ink", "model": ["4", 0], "clip": ["11", 0]}}
    found = found_in(GRAPH | {"6": encode, "11": last, "12": lora})
    assert found.options["clip_skip"] == clip_skip


def test_guidance_beside_the_prompt_goes_before_the_samplers_own() -> None:
    beside = {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}}
    for cfg, left in ((1.0, ()), (7.5, ("cfg 7.5",))):
        found = found_in(changed(positive=["20", 0], cfg=cfg) | {"20": beside})
        assert found.options["guidance_scale"] == 3.5
        assert found.options["prompt"].startswith("a red cat")
        assert found.not_taken == left


def test_both_prompts_are_followed_through_a_controlnet_which_is_named() -> None:
    inputs = {"positive": ["6", 0], "negative": ["7", 0], "control_net": ["21", 0], "image": ["22", 0]}
    nodes = {
        "20": {"class_type": "ControlNetApplyAdvanced", "inputs": inputs},
        "21": {"class_type": "SetUnionControlNetType", "inputs": {"control_net": ["23", 0], "type": "canny"}},
        "23": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "union.safetensors"}},
    }
    found = found_in(changed(positive=["20", 0], negative=["20", 1]) | nodes)
    assert found.options["prompt"].startswith("a red cat")
    assert found.options["negative_prompt"] == "fog"
    assert found.not_taken == ("ControlNet union.safetensors",)


def test_a_prompt_that_was_set_to_zeros_says_nothing() -> None:
    zeros = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    found = found_in(changed(negative=["20", 0]) | {"20": zeros})
    assert "negative_prompt" not in found.options
    assert found.not_taken == ()


@pytest.mark.parametrize(
    ("graph", "left"),
    [
        (changed(denoise=0.5), ("denoise 0.5",)),
        (changed("KSamplerAdvanced", start_at_step=5, end_at_step=15), ("start at step 5", "end at step 15")),
        (changed("KSamplerAdvanced", start_at_step=0, end_at_step=10_000), ()),
    ],
)
def test_what_was_denoised_in_part_is_named(graph: dict[str, Any], left: tuple[str, ...]) -> None:
    assert found_in(graph).not_taken == left


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        ({"text_g": "a boat", "text_l": "ink"}, ("text_l of the prompt ink",)),
        ({"text_g": "a boat", "text_l": "a boat"}, ()),
        ({"clip_l": "a boat", "t5xxl": "a wide sea"}, ("t5xxl of the prompt a wide sea",)),
    ],
)
def test_of_several_texts_for_one_prompt_the_others_are_named(
    texts: dict[str, str], left: tuple[str, ...]
) -> None:
    found = found_in(GRAPH | {"6": {"class_type": "CLIPTextEncodeSDXL", "inputs": texts}})
    assert found.options["prompt"].startswith("a boat")
    assert found.not_taken == left


@pytest.mark.parametrize(
    "graph",
    [
        changed(model=["10", 0]) | {"10": {"class_type": "LoraLoader", "inputs": {"model": ["10", 0]}}},
        changed(model=["10", 0]) | {"10": {"class_type": "L", "inputs": {"lora_name": "x", "model": ["10", 0]}}},
        changed(positive=["20", 1]) | {"20": {"class_type": "C", "inputs": {"positive": 1, "negative": [7]}}},
        changed(positive=["20", 0]) | {"20": {"class_type": "C", "inputs": {"control_net": ["20", 0]}}},
        changed(positive=["20", 0]) | {"20": {"class_type": "C", "inputs": {"text": "x", "clip": ["20", 0]}}},
        changed(positive=["20", {}]) | {"20": {"class_type": "C", "inputs": {"positive": [], "negative": {}}}},
        changed(positive=["6", 0]) | {"6": {"class_type": "C", "inputs": {"conditioning": ["6", 0]}}},
        changed(seed=["8", 0]) | {"8": {"class_type": "P", "inputs": {"value": ["8", 0]}}},
        changed(latent_image=["3", 0], positive=["3", 0], negative=[[], {}], model={"a": 1}, seed=True),
        GRAPH | {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": 7}}, "4": None, "5": [], "7": "x"},
    ],
)
def test_circles_and_rubbish_end(graph: dict[str, Any]) -> None:
    found = read(json.dumps(graph))
    assert found is not None
    assert found.program == "ComfyUI"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"1": {"class_type": "SaveImage", "inputs": {}}}', "[" * 100_000]
)
def test_what_is_no_graph_tells_nothing(text: str) -> None:
    assert read(text) is None
