"""ComfyUI's pictures: the graph of nodes in them, walked from what sampled back to what it was told."""

import json
from collections.abc import Mapping
from typing import Any

from generation.found import FoundRecipe, Gathered
from generation.infotext import take_sampler

_PROGRAM = "ComfyUI"
_HOPS = 64  # nodes on one way; longer ones are no workflow of people
_SAMPLERS = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "deis": "DEIS",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpm_adaptive": "DPM adaptive",
    "dpm_fast": "DPM fast",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "lcm": "LCM",
    "lms": "LMS",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
}
_VALUES = ("value", "text", "string", "seed", "noise_seed", "int", "float", "number")

Node = Mapping[str, Any]
Graph = Mapping[str, Node]


def read(text: str) -> FoundRecipe | None:
    """What the graph in `text` says of its first sampler; None for what is no graph or samples nothing."""
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(graph, dict):
        return None
    nodes = {key: node for key, node in graph.items() if _is_node(node)}
    samplers = [node for node in nodes.values() if _samples(node)]
    if not samplers:
        return None
    # The first of several begins with an empty latent; the others work on what it made.
    sampler = next((node for node in samplers if _width_and_height(nodes, node) is not None), samplers[0])
    gathered = Gathered()
    _take_settings(gathered, nodes, sampler)
    _take_prompts(gathered, nodes, sampler)
    _take_model(gathered, nodes, sampler)
    if len(samplers) > 1:
        gathered.leave("further samplers", len(samplers) - 1)
    return FoundRecipe(program=_PROGRAM, options=gathered.options, not_taken=tuple(gathered.not_taken))


def _is_node(node: object) -> bool:
    return (
        isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    )


def _samples(node: Node) -> bool:
    """Whether a node is a sampler: every such node takes a latent, whatever it is called."""
    return "latent_image" in node["inputs"] and "Sampler" in node["class_type"]


def _take_settings(gathered: Gathered, nodes: Graph, sampler: Node) -> None:
    """The numbers: a KSampler's own inputs, or those of the nodes that are put into a SamplerCustomAdvanced."""
    inputs: dict[str, Any] = dict(sampler["inputs"])
    for name in ("noise", "sampler", "sigmas", "guider"):
        if (node := _linked(nodes, inputs.get(name))) is not None:
            inputs = {**node["inputs"], **inputs}
    gathered.take("seed", "seed", _value(nodes, inputs.get("seed", inputs.get("noise_seed"))))
    gathered.take("num_inference_steps", "steps", _value(nodes, inputs.get("steps")))
    gathered.take("guidance_scale", "guidance", _value(nodes, inputs.get("cfg")))
    sampling, schedule = _value(nodes, inputs.get("sampler_name")), _value(nodes, inputs.get("scheduler"))
    if isinstance(sampling, str):
        take_sampler(gathered, _SAMPLERS.get(sampling, sampling), schedule if isinstance(schedule, str) else "")
    size = _width_and_height(nodes, sampler)
    if size is not None:
        gathered.take("size", "size", f"{size[0]}x{size[1]}")
    else:
        gathered.take("strength", "denoise", _value(nodes, inputs.get("denoise")))


def _take_prompts(gathered: Gathered, nodes: Graph, sampler: Node) -> None:
    inputs = dict(sampler["inputs"])
    if (guider := _linked(nodes, inputs.get("guider"))) is not None:
        inputs |= guider["inputs"]
    for name, links in (("prompt", ("positive", "conditioning")), ("negative_prompt", ("negative",))):
        link = next((inputs[each] for each in links if each in inputs), None)
        text = _prompt(nodes, link)
        if text is not None:
            gathered.take(name, name.replace("_", " "), text)
        elif link is not None:
            gathered.leave(name.replace("_", " "), "that several nodes make together")


def _take_model(gathered: Gathered, nodes: Graph, sampler: Node) -> None:
    inputs = sampler["inputs"]
    link = inputs.get("model")
    if link is None and (guider := _linked(nodes, inputs.get("guider"))) is not None:
        link = guider["inputs"].get("model")
    for _ in range(_HOPS):
        node = _linked(nodes, link)
        if node is None:
            return
        inputs = node["inputs"]
        name = next((inputs[each] for each in ("ckpt_name", "unet_name") if each in inputs), None)
        if name is not None:
            gathered.take("model", "model", _value(nodes, name))
            return
        if isinstance(inputs.get("lora_name"), str):
            gathered.leave("LoRA", inputs["lora_name"])
        link = inputs.get("model")


def _prompt(nodes: Graph, link: object) -> str | None:
    """The text of the one node that encodes it; what is in between passes it on by its first such input."""
    for _ in range(_HOPS):
        node = _linked(nodes, link)
        if node is None:
            return None
        inputs = node["inputs"]
        for name in ("text", "text_g", "clip_l", "t5xxl"):
            if name in inputs:
                text = _value(nodes, inputs[name])
                return text if isinstance(text, str) else None
        passed = [
            value for key, value in inputs.items() if "conditioning" in key or key in {"positive", "negative"}
        ]
        link = passed[0] if len(passed) == 1 else None
    return None


def _width_and_height(nodes: Graph, sampler: Node) -> tuple[object, object] | None:
    """The size of the empty latent that a sampler begins with; None where it begins with a picture."""
    node = _linked(nodes, sampler["inputs"].get("latent_image"))
    if node is None or "width" not in node["inputs"] or "Empty" not in node["class_type"]:
        return None
    return _value(nodes, node["inputs"]["width"]), _value(nodes, node["inputs"].get("height"))


def _value(nodes: Graph, value: object) -> object:
    """A value, also where it comes from a node that holds nothing else."""
    for _ in range(_HOPS):
        node = _linked(nodes, value)
        if node is None:
            return value if isinstance(value, (str, int, float)) else None
        value = next((node["inputs"][name] for name in _VALUES if name in node["inputs"]), None)
    return None


def _linked(nodes: Graph, link: object) -> Node | None:
    """The node that a link, [its key, the number of its output], leads to."""
    if isinstance(link, list) and len(link) == 2 and isinstance(link[0], (str, int)):
        return nodes.get(str(link[0]))
    return None
