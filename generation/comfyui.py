"""ComfyUI's pictures: the graph of nodes in them, walked from what sampled back to what it was told."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from generation.found import FoundRecipe, Gathered, bare_name
from generation.infotext import take_sampler
from generation.prompt import STRONGEST

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
_TEXTS = ("text", "text_g", "clip_l", "t5xxl", "text_l", "clip_g")  # inputs of nodes that encode; the first counts
_ZEROS = "ConditioningZeroOut"  # which takes a prompt and says nothing of it
_NOT_IN_A_TAG = re.compile(r"[<>:{}|]")
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
    size, denoise = _width_and_height(nodes, sampler), _number(nodes, inputs.get("denoise"))
    if size is None:
        gathered.take("strength", "denoise", denoise)
    else:
        gathered.take("size", "size", f"{size[0]}x{size[1]}")
        if denoise is not None and denoise < 1:
            gathered.leave("denoise", denoise)
    # Only some of the steps, as a KSamplerAdvanced may run
    start, end = (_number(nodes, inputs.get(name)) for name in ("start_at_step", "end_at_step"))
    if start is not None and start > 0:
        gathered.leave("start at step", start)
    if end is not None and end < gathered.options.get("num_inference_steps", 0):
        gathered.leave("end at step", end)


def _take_prompts(gathered: Gathered, nodes: Graph, sampler: Node) -> None:
    """Both prompts, and what they pass through on their way to the sampler."""
    inputs = dict(sampler["inputs"])
    if (guider := _linked(nodes, inputs.get("guider"))) is not None:
        inputs |= guider["inputs"]
    passed: list[Node] = []
    for name, links in (("prompt", ("positive", "conditioning")), ("negative_prompt", ("negative",))):
        link = next((inputs[each] for each in links if each in inputs), None)
        way = list(_way(nodes, link, _towards_text))
        _take_prompt(gathered, nodes, name, way, linked=link is not None)
        if name == "prompt":
            _take_guidance(gathered, nodes, way)
            _take_clip_skip(gathered, nodes, way)
        passed += way
    nets = (node["inputs"]["control_net"] for node in passed if "control_net" in node["inputs"])
    for net in dict.fromkeys(_control_net(nodes, link) for link in nets):  # both prompts pass through the same
        gathered.leave("ControlNet", net)


def _take_prompt(gathered: Gathered, nodes: Graph, name: str, way: Sequence[Node], *, linked: bool) -> None:
    """The text of the one node that encodes it; where that has a text for each encoder, the first of them."""
    word = name.replace("_", " ")
    texts = _texts(nodes, way[-1]) if way else {}
    if texts:
        first = next(iter(texts.values()))
        gathered.take(name, word, first)
        for key, text in texts.items():
            if text and text != first:
                gathered.leave(f"{key} of the {word}", text)
    elif linked and not (way and way[-1]["class_type"] == _ZEROS):
        gathered.leave(word, "that several nodes make together")


def _take_guidance(gathered: Gathered, nodes: Graph, way: Sequence[Node]) -> None:
    """The guidance that FLUX is told with its prompt, which is what Easel means by it; a cfg of 1 does nothing."""
    told = next((node["inputs"]["guidance"] for node in way if "guidance" in node["inputs"]), None)
    if told is None:
        return
    cfg = gathered.options.pop("guidance_scale", 1.0)
    if cfg != 1.0:
        gathered.leave("cfg", cfg)
    gathered.take("guidance_scale", "guidance", _value(nodes, told))


def _take_clip_skip(gathered: Gathered, nodes: Graph, way: Sequence[Node]) -> None:
    """The layer of the text encoder that is taken: the last one is -1 there, and 1 in Easel."""
    link = way[-1]["inputs"].get("clip") if way else None
    for node in _way(nodes, link, _by("clip")):
        layer = _number(nodes, node["inputs"].get("stop_at_clip_layer"))
        if layer is not None:
            gathered.take("clip_skip", "clip skip", -layer)
            return


def _take_model(gathered: Gathered, nodes: Graph, sampler: Node) -> None:
    """The model, and the LoRAs between it and the sampler, which Easel takes by the prompt."""
    link = sampler["inputs"].get("model")
    if link is None and (guider := _linked(nodes, sampler["inputs"].get("guider"))) is not None:
        link = guider["inputs"].get("model")
    tags: dict[str, str] = {}
    for node in _way(nodes, link, _by("model")):
        inputs = node["inputs"]
        name = next((inputs[each] for each in ("ckpt_name", "unet_name") if each in inputs), None)
        if name is not None:
            gathered.take("model", "model", _value(nodes, name))
            break
        if isinstance(lora := inputs.get("lora_name"), str):
            tag, key = _lora_tag(nodes, node), str(bare_name(lora)).casefold()
            if tag is None or key in tags or "prompt" not in gathered.options:
                gathered.leave("LoRA", lora)
            else:
                tags[key] = tag
    if tags:
        gathered.options["prompt"] = " ".join((gathered.options["prompt"], *tags.values()))


def _lora_tag(nodes: Graph, node: Node) -> str | None:
    """How a prompt asks for a LoRA; None for one of a name or a strength that cannot stand there."""
    inputs = node["inputs"]
    name = bare_name(inputs["lora_name"])
    weight = _number(nodes, inputs.get("strength_model", 1.0))
    # What loads it for the model alone leaves the text encoder as it is.
    alone = 0.0 if "ModelOnly" in node["class_type"] else weight
    text_weight = _number(nodes, inputs.get("strength_clip", alone))
    if name is None or _NOT_IN_A_TAG.search(name) or weight is None or text_weight is None:
        return None
    if not all(abs(each) <= STRONGEST for each in (weight, text_weight)):  # which NaN is not either
        return None
    weights = (weight,) if weight == text_weight else (text_weight, weight)
    return f"<lora:{name}:{':'.join(f'{each:.6f}'.rstrip('0').rstrip('.') for each in weights)}>"


def _control_net(nodes: Graph, link: object) -> str:
    """The name of a ControlNet, or of what is in its place."""
    way = list(_way(nodes, link, _by("control_net")))
    names = [_value(nodes, node["inputs"].get("control_net_name")) for node in way]
    return next((name for name in names if isinstance(name, str)), "without a name")


def _way(nodes: Graph, link: object, onward: Callable[[Node, object], object]) -> Iterator[Node]:
    """The nodes from the one that `link` leads to, each of which `onward` gives the link to the next one."""
    for _ in range(_HOPS):
        node = _linked(nodes, link)
        if node is None:
            return
        yield node
        link = onward(node, link)


def _by(name: str) -> Callable[[Node, object], object]:
    """Onward by the input called `name`."""
    return lambda node, _: node["inputs"].get(name)


def _towards_text(node: Node, link: object) -> object:
    """Onward to what encodes a prompt; what passes both on has the negative one as its second output."""
    inputs = node["inputs"]
    if node["class_type"] == _ZEROS or any(name in inputs for name in _TEXTS):
        return None
    if "positive" in inputs and "negative" in inputs:
        return inputs["negative" if isinstance(link, list) and link[1] == 1 else "positive"]
    passed = [value for key, value in inputs.items() if "conditioning" in key or key in {"positive", "negative"}]
    return passed[0] if len(passed) == 1 else None


def _texts(nodes: Graph, node: Node) -> dict[str, str]:
    """What a node encodes, by the names of its inputs."""
    texts = {name: _value(nodes, node["inputs"][name]) for name in _TEXTS if name in node["inputs"]}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


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


def _number(nodes: Graph, value: object) -> float | None:
    number = _value(nodes, value)
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def _linked(nodes: Graph, link: object) -> Node | None:
    """The node that a link, [its key, the number of its output], leads to."""
    if isinstance(link, list) and len(link) == 2 and isinstance(link[0], (str, int)):
        return nodes.get(str(link[0]))
    return None
