r"""Prompts with weights, and of any length.

`(word)` counts 1.1 times, `(word:1.3)` 1.3 times, `[word]` a 1.1th; brackets nest, and `\(` is a bracket as
text. A bracket without its partner is text too, since people type smileys. A prompt longer than the text encoder
reads is encoded in pieces that the denoising network sees one after the other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

_STRONGER = 1.1
_PARTNERS = {")": "(", "]": "["}
_ESCAPED = re.compile(r"\\([\\()\[\]])")
_SYNTAX = re.compile(r"\\[\\()\[\]]|[()\[\]]")
_WEIGHT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of a prompt, and how much it counts."""

    text: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """What the denoising network is told, under the argument names of diffusers pipelines."""

    prompt_embeds: torch.Tensor  # (1, tokens, width)
    negative_prompt_embeds: torch.Tensor | None
    pooled_prompt_embeds: torch.Tensor | None = None  # (1, width), SDXL only
    negative_pooled_prompt_embeds: torch.Tensor | None = None

    def arguments(self) -> dict[str, torch.Tensor]:
        return {name: value for name, value in vars(self).items() if value is not None}


def parse(prompt: str) -> tuple[Part, ...]:
    """The parts of `prompt`; neighbours of the same weight are one part, and their text is as it was typed."""
    partners = _partners(prompt)
    text_ends = dict.fromkeys(partners.values(), 0)  # closing bracket -> where the text before it ends
    weights = [1.0]
    parts: list[Part] = []
    at = 0
    for found in _SYNTAX.finditer(prompt):
        sign = found.start()
        if sign in partners:
            _add(parts, prompt[at:sign], weights[-1])
            factor, text_ends[partners[sign]] = _factor(prompt, sign, partners[sign])
            weights.append(weights[-1] * factor)
        elif sign in text_ends:
            _add(parts, prompt[at : text_ends[sign]], weights.pop())
        else:
            continue
        at = sign + 1
    _add(parts, prompt[at:], weights[-1])
    return tuple(parts)


def _add(parts: list[Part], text: str, weight: float) -> None:
    text = _ESCAPED.sub(r"\1", text)
    if parts and parts[-1].weight == weight:
        parts[-1] = Part(text=parts[-1].text + text, weight=weight)
    elif text:
        parts.append(Part(text=text, weight=weight))


def _factor(prompt: str, opening: int, closing: int) -> tuple[float, int]:
    """How much a pair of brackets makes its text count, and where that text ends."""
    if prompt[opening] == "[":
        return 1 / _STRONGER, closing
    colon = prompt.rfind(":", opening, closing)
    if colon > opening and (written := _WEIGHT.fullmatch(prompt, colon, closing)):
        return float(written[1]), colon
    return _STRONGER, closing


def _partners(prompt: str) -> dict[int, int]:
    """Where each opening bracket that has a partner is closed."""
    open_at: list[int] = []
    partners: dict[int, int] = {}
    for found in _SYNTAX.finditer(prompt):
        sign = found[0]
        if sign in {"(", "["}:
            open_at.append(found.start())
        elif sign in _PARTNERS:
            candidates = [at for at in open_at if prompt[at] == _PARTNERS[sign]]
            if candidates:
                partners[candidates[-1]] = found.start()
                del open_at[open_at.index(candidates[-1]) :]
    return partners


def encode(pipeline: Any, prompt: str, negative_prompt: str, *, guided: bool) -> Conditioning:
    """Encode a prompt pair with the text encoders of `pipeline`; unweighted, it gives the pipeline's own bits.

    `guided` says whether the negative prompt will be looked at. Without one, an SDXL model that was trained so
    gets zeros in its place.
    """
    encoders = _encoders(pipeline)
    empty_is_zero = bool(getattr(pipeline.config, "force_zeros_for_empty_prompt", False))
    texts = [prompt]
    if guided and (negative_prompt or not empty_is_zero):
        texts.append(negative_prompt)
    tokens = [[encoder.tokens(parse(text)) for encoder in encoders] for text in texts]
    pieces = max(len(token_list) for of_text in tokens for token_list in of_text)
    results = [_run(encoders, of_text, pieces) for of_text in tokens]
    embeds, pooled = results[0]
    if not guided:
        return Conditioning(prompt_embeds=embeds, negative_prompt_embeds=None, pooled_prompt_embeds=pooled)
    if len(results) > 1:
        negative, negative_pooled = results[1]
    else:
        negative = torch.zeros_like(embeds)
        negative_pooled = None if pooled is None else torch.zeros_like(pooled)
    return Conditioning(
        prompt_embeds=embeds,
        negative_prompt_embeds=negative,
        pooled_prompt_embeds=pooled,
        negative_pooled_prompt_embeds=negative_pooled,
    )


Piece = tuple[tuple[int, ...], tuple[float, ...]]  # token ids with start, end and padding, and their weights


class _Encoder:
    """A tokenizer and its text encoder."""

    def __init__(self, tokenizer: Any, model: Any, *, penultimate: bool) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._penultimate = penultimate
        self._length = min(int(tokenizer.model_max_length), int(model.config.max_position_embeddings))

    def tokens(self, parts: Sequence[Part]) -> list[Piece]:
        """The tokens of `parts`, cut into pieces that the model can read; at least one."""
        ids: list[int] = []
        weights: list[float] = []
        for part in parts:
            found = self._tokenizer(part.text, add_special_tokens=False, verbose=False).input_ids
            ids += found
            weights += [part.weight] * len(found)
        room = self._length - 2
        starts = range(0, max(len(ids), 1), room)
        return [self._piece(ids[at : at + room], weights[at : at + room]) for at in starts]

    def _piece(self, ids: Sequence[int], weights: Sequence[float]) -> Piece:
        first, last = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        padding = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else last
        missing = self._length - 2 - len(ids)
        return (first, *ids, last, *[padding] * missing), (1.0, *weights, 1.0, *[1.0] * missing)

    def run(self, pieces: Sequence[Piece], count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of (1, `count` * length, width), and the pooled state of the first piece if the model has one."""
        empty = self._piece((), ())
        states, pooled = [], None
        for ids, weights in [*pieces, *[empty] * (count - len(pieces))]:
            state, found = self._states(ids)
            if any(weight != 1.0 for weight in weights):
                # Weights stretch the distance to what the empty prompt says at the same place.
                nothing, _ = self._states(empty[0])
                factor = torch.tensor(weights, device=state.device, dtype=state.dtype).view(1, -1, 1)
                state = state + (factor - 1) * (state - nothing)
            pooled = found if pooled is None else pooled
            states.append(state)
        return torch.cat(states, dim=1), pooled

    def _states(self, ids: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor | None]:
        given = torch.tensor([ids], device=self._model.device)
        mask = None
        if getattr(self._model.config, "use_attention_mask", False):
            mask = (given != self._tokenizer.pad_token_id).long()
        if not self._penultimate:
            return self._model(given, attention_mask=mask)[0], None
        output = self._model(given, attention_mask=mask, output_hidden_states=True)
        pooled = output[0] if output[0].ndim == 2 else None
        return output.hidden_states[-2], pooled


def _encoders(pipeline: Any) -> tuple[_Encoder, ...]:
    if getattr(pipeline, "text_encoder_2", None) is None:
        return (_Encoder(pipeline.tokenizer, pipeline.text_encoder, penultimate=False),)
    return (
        _Encoder(pipeline.tokenizer, pipeline.text_encoder, penultimate=True),
        _Encoder(pipeline.tokenizer_2, pipeline.text_encoder_2, penultimate=True),
    )


def _run(
    encoders: Sequence[_Encoder], tokens: Sequence[Sequence[Piece]], pieces: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """States of all encoders side by side, and the pooled state of the last that has one."""
    states, pooled = [], None
    for encoder, own in zip(encoders, tokens, strict=True):
        state, found = encoder.run(own, pieces)
        states.append(state)
        pooled = found if found is not None else pooled
    return torch.cat(states, dim=-1), pooled
