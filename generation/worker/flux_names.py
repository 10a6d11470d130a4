"""The network of FLUX as its single files hold it, under the names of diffusers.

diffusers' own conversion takes the width of the published network for granted, and so has no test without it; at
that width both are held against each other.
"""

import re
from collections.abc import Iterator, Mapping

import torch

Tensors = dict[str, torch.Tensor]

_TWO = {"in_layer": "linear_1", "out_layer": "linear_2"}
_WHOLE = (
    (r"img_in", "x_embedder"),
    (r"txt_in", "context_embedder"),
    (r"time_in\.(?P<two>\w+)", "time_text_embed.timestep_embedder.{two}"),
    (r"vector_in\.(?P<two>\w+)", "time_text_embed.text_embedder.{two}"),
    (r"guidance_in\.(?P<two>\w+)", "time_text_embed.guidance_embedder.{two}"),
    (r"final_layer\.linear", "proj_out"),
    (r"final_layer\.adaLN_modulation\.1", "norm_out.linear"),
)
_DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
_SINGLE = {
    "modulation.lin": "norm.linear",
    "linear2": "proj_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
_JOINED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
}
_BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\.(.+)\.(weight|bias|scale)")


def convert(own: Mapping[str, torch.Tensor]) -> tuple[Tensors, set[str]]:
    """The tensors under their names in diffusers, and the names of those that nothing is known of."""
    converted: Tensors = {}
    unknown = set()
    for name, tensor in own.items():
        found = dict(_renamed(name, tensor))
        converted |= found
        if not found:
            unknown.add(name)
    return converted, unknown


def _renamed(name: str, tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    if (block := _BLOCK.fullmatch(name)) is not None:
        kind, number, layer, ending = block.groups()
        start = f"{'' if kind == 'double' else 'single_'}transformer_blocks.{number}"
        if layer in _JOINED:
            # The feed-forward layer, where it is joined too, is four times as wide as each of the others.
            names = _JOINED[layer]
            width = tensor.shape[0] // (3 if len(names) == 3 else 7)
            parts = tensor.split_with_sizes([width, width, width, 4 * width][: len(names)])
            yield from ((f"{start}.{part}.{ending}", own) for part, own in zip(names, parts, strict=True))
        elif (known := (_DOUBLE if kind == "double" else _SINGLE).get(layer)) is not None:
            yield f"{start}.{known}.{ending.replace('scale', 'weight')}", tensor
        return
    layer, _, ending = name.rpartition(".")
    for pattern, known in _WHOLE:
        if (found := re.fullmatch(pattern, layer)) is not None:
            # diffusers has scales before shifts.
            turned = torch.cat(tensor.chunk(2)[::-1]) if known == "norm_out.linear" else tensor
            yield f"{known.format(two=_TWO.get(found.groupdict().get('two', ''), ''))}.{ending}", turned
