"""ComfyUI's graphs: what people draw with is understood, and nothing in them does harm."""

import json
from typing import Any

import pytest

from generation import Scheduler
from generation.comfyui import read

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


def changed(**inputs: Any) -> dict[str, Any]:
    """The graph with other inputs of its sampler."""
    return GRAPH | {"3": {"class_type": "KSampler", "inputs": GRAPH["3"]["inputs"] | inputs}}


def test_the_usual_graph_is_understood() -> None:
    found = read(json.dumps(GRAPH))
    assert found is not None
    assert found.options == {
        "prompt": "a red cat",
        "negative_prompt": "fog",
        "model": "v1-5-pruned",
        "size": "512x768",
        "seed": 5,
        "num_inference_steps": 20,
        "guidance_scale": 7.5,
        "scheduler": Scheduler.DPM_2M_KARRAS,
    }
    assert found.not_taken == ("LoRA ink.safetensors",)


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
    "graph",
    [
        changed(model=["10", 0]) | {"10": {"class_type": "LoraLoader", "inputs": {"model": ["10", 0]}}},
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
