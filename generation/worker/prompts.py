"""Prompts as the denoising network is told them: of any length, with weights, blends and embeddings."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch

from generation.adapters import pattern_of
from generation.prompt import Ingredient, Part, Prompt, read
from generation.worker.adapters import Embedding, Unfit

_LOOK_BACK = 20  # tokens before the end of a chunk in which a comma is looked for, as AUTOMATIC1111's program does
_T5_TOKENS = 256  # that SD 3 and FLUX schnell were trained with
_T5_TOKENS_OF_DEV = 512  # and FLUX dev, which is told the guidance
_SMALL = 5000  # tokens; a larger vocabulary was learned from so much text that pieces of words say something
_APOSTROPHES = "'\u2019"


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """What the denoising network is told, under the argument names of diffusers pipelines."""

    prompt_embeds: torch.Tensor  # (1, tokens, width)
    negative_prompt_embeds: torch.Tensor | None
    pooled_prompt_embeds: torch.Tensor | None = None  # (1, width), where a text encoder sums up the prompt
    negative_pooled_prompt_embeds: torch.Tensor | None = None

    def arguments(self) -> dict[str, torch.Tensor]:
        return {name: value for name, value in vars(self).items() if value is not None}


def encode(
    pipeline: Any,
    prompt: str,
    negative_prompt: str,
    *,
    guided: bool,
    clip_skip: int = 1,
    embeddings: Mapping[str, Embedding] = {},
) -> Conditioning:
    """Encode a prompt pair with the text encoders of `pipeline`; without any syntax, to the pipeline's own bits.

    `guided` says whether the negative prompt will be looked at. Without one, an SDXL model that was trained so
    gets zeros in its place. `clip_skip` counts layers from the end, as Recipe's does. `embeddings` are by their
    names in small letters. Raises BadPrompt, and Unfit where the text encoder has fewer layers.
    """
    benches = _benches(pipeline, clip_skip, embeddings)
    empty_is_zero = bool(getattr(pipeline.config, "force_zeros_for_empty_prompt", False))
    prompts = [read(prompt)]
    if guided and (negative_prompt or not empty_is_zero):
        prompts.append(read(negative_prompt, argument="negative_prompt"))
    results = [_joined(parts) for parts in zip(*(bench.read(prompts) for bench in benches), strict=True)]
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


def unknown_words(pipeline: Any, *prompts: str, embeddings: Mapping[str, Embedding] = {}) -> tuple[str, ...]:
    """The words of `prompts`, as typed, that a model with a small vocabulary has never seen; none of any other.

    Such a word falls apart into pieces that mean nothing. Numbers, signs and the names of embeddings are no words.
    """
    tokenizer = pipeline.tokenizer
    if len(tokenizer) >= _SMALL:
        return ()
    text = "\n".join(read(prompt).words for prompt in prompts)
    if (pattern := pattern_of(embeddings)) is not None:
        text = pattern.sub("\n", text)
    found = {word.casefold(): word for word in _words(text) if not _knows(tokenizer, word)}
    return tuple(found.values())


def _words(text: str) -> Iterator[str]:
    """Runs of letters with their accents and inner apostrophes."""
    for is_word, letters in groupby(
        text, lambda sign: sign in _APOSTROPHES or unicodedata.category(sign)[0] in "LM"
    ):
        if is_word and (word := "".join(letters).strip(_APOSTROPHES)):
            yield word


def _knows(tokenizer: Any, word: str) -> bool:
    """Whether `word`, or what stands before its apostrophe, is one token."""
    stem = word.replace(_APOSTROPHES[1], _APOSTROPHES[0]).partition(_APOSTROPHES[0])[0]
    return len(tokenizer.tokenize(stem)) == 1


@dataclass(frozen=True, kw_only=True)
class _Unit:
    """What is never cut in two: a token, or the place of an embedding."""

    ids: tuple[int, ...]
    weight: float
    vectors: torch.Tensor | None = None  # (len(ids), width)


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """As many tokens as the text encoder reads at once, with start, end and padding."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    vectors: Mapping[int, torch.Tensor] = field(default_factory=dict)  # position -> (count, width)


class _Encoder:
    """A tokenizer and its text encoder, which reads `length` tokens at once.

    `layer` counts its layers from the end, from 1. `pooled` is the name under which it gives a sum of what it has
    read, None where nobody asks for that. Embeddings of no vectors are passed over.
    """

    def __init__(
        self,
        tokenizer: Any,
        model: Any,
        *,
        vectors: Mapping[str, torch.Tensor],
        length: int | None = None,
        layer: int = 1,
        normed: bool = False,
        pooled: str | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._layer = layer
        self._normed = normed
        self._pooled = pooled
        self._vectors = vectors
        self._pattern = pattern_of(vectors)
        self._comma = tokenizer(",", add_special_tokens=False).input_ids[-1]
        self._start = () if tokenizer.bos_token_id is None else (tokenizer.bos_token_id,)
        if length is None:
            length = min(int(tokenizer.model_max_length), int(model.config.max_position_embeddings))
        self._length = length
        self._room = length - len(self._start) - 1

    def chunks(self, ingredient: Ingredient) -> list[_Chunk]:
        """The tokens of `ingredient`, cut into what the model can read; at least one chunk."""
        cut = [chunk for piece in ingredient.pieces for chunk in self._cut(list(self._units(piece)))]
        return [self._chunk(units) for units in cut]

    def _units(self, piece: Sequence[Part]) -> Iterator[_Unit]:
        for part in piece:
            at = 0
            for found in () if self._pattern is None else self._pattern.finditer(part.text):
                yield from self._tokens(part.text[at : found.start()], part.weight)
                vectors = self._vectors[(found[1] or found[2]).casefold()]
                # Any id but that of the end will do: the vectors take the place of what it stands for.
                yield _Unit(ids=(self._comma,) * len(vectors), weight=part.weight, vectors=vectors)
                at = found.end()
            yield from self._tokens(part.text[at:], part.weight)

    def _tokens(self, text: str, weight: float) -> Iterator[_Unit]:
        for token in self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids:
            yield _Unit(ids=(token,), weight=weight)

    def _cut(self, units: list[_Unit]) -> Iterator[list[_Unit]]:
        while True:
            end = length = 0
            while end < len(units) and length + len(units[end].ids) <= self._room:
                length += len(units[end].ids)
                end += 1
            if end < len(units):
                commas = (at for at in range(end, max(end - _LOOK_BACK, 0), -1) if self._is_comma(units[at - 1]))
                end = next(commas, end)
            yield units[:end]
            units = units[end:]
            if not units:
                return

    def _is_comma(self, unit: _Unit) -> bool:
        return unit.vectors is None and unit.ids == (self._comma,)

    def _chunk(self, units: Sequence[_Unit]) -> _Chunk:
        last = self._tokenizer.eos_token_id
        padding = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else last
        ids, weights, vectors = list(self._start), [1.0] * len(self._start), {}
        for unit in units:
            if unit.vectors is not None and unit.ids:
                vectors[len(ids)] = unit.vectors
            ids += unit.ids
            weights += [unit.weight] * len(unit.ids)
        missing = self._length - 1 - len(ids)
        return _Chunk(
            ids=(*ids, last, *[padding] * missing), weights=(*weights, 1.0, *[1.0] * missing), vectors=vectors
        )

    def run(self, chunks: Sequence[_Chunk], count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of the first `count` chunks, (1, `count` * length, width), and the pooled state of the first."""
        empty = self._chunk(())
        states, pooled = [], None
        for chunk in [*chunks[:count], *[empty] * (count - len(chunks))]:
            state, found = self._states(chunk)
            if any(weight != 1.0 for weight in chunk.weights):
                # Weights stretch the distance to what the empty prompt says at the same place.
                nothing, _ = self._states(empty)
                factor = torch.tensor(chunk.weights, device=state.device, dtype=state.dtype).view(1, -1, 1)
                state = state + (factor - 1) * (state - nothing)
            pooled = found if pooled is None else pooled
            states.append(state)
        return torch.cat(states, dim=1), pooled

    def _states(self, chunk: _Chunk) -> tuple[torch.Tensor, torch.Tensor | None]:
        given = torch.tensor([chunk.ids], device=self._model.device)
        mask = None
        if getattr(self._model.config, "use_attention_mask", False):
            mask = (given != self._tokenizer.pad_token_id).long()
        with _reading(self._model, chunk.vectors):
            output = self._model(given, attention_mask=mask, output_hidden_states=self._layer != 1)
        pooled = None if self._pooled is None else output[self._pooled]
        if self._layer == 1:
            return output.last_hidden_state, pooled
        state = output.hidden_states[-self._layer]
        return self._model.final_layer_norm(state) if self._normed else state, pooled


@contextmanager
def _reading(model: Any, vectors: Mapping[int, torch.Tensor]) -> Iterator[None]:
    """Have `model` read `vectors` at their positions, whatever tokens stand there."""
    if not vectors:
        yield
        return

    def put(_module: torch.nn.Module, _given: Any, embedded: torch.Tensor) -> torch.Tensor:
        embedded = embedded.clone()
        for position, values in vectors.items():
            embedded[:, position : position + len(values)] = values.to(embedded)
        return embedded

    hook = model.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()


class _Nobody:
    """In the place of a text encoder that a model can do without: whatever is written, it says `nothing`."""

    def __init__(self, nothing: torch.Tensor) -> None:
        self._nothing = nothing

    def chunks(self, _ingredient: Ingredient) -> list[_Chunk]:
        return []

    def run(self, _chunks: Sequence[_Chunk], _count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        return self._nothing, None


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """Text encoders that read in step, so that their states stand side by side.

    Those that are not `heard` tell the network nothing but the pooled state.
    """

    encoders: tuple[_Encoder | _Nobody, ...]
    heard: bool = True

    def read(self, prompts: Sequence[Prompt]) -> list[tuple[torch.Tensor | None, torch.Tensor | None]]:
        """States of all `prompts`, equally long, and pooled states."""
        chunked = [_Chunked.of(each, self.encoders) for each in prompts]
        count = max(each.longest for each in chunked) if self.heard else 1
        told = [each.run(self.encoders, count) for each in chunked]
        return [(states if self.heard else None, pooled) for states, pooled in told]


def _joined(
    parts: Sequence[tuple[torch.Tensor | None, torch.Tensor | None]],
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The states of all benches one after the other, the narrow ones filled up with zeros, and the pooled ones.

    They come to the device of the first one: where weights are lent, nothing else tells where it is computed.
    """
    found = [part for part, _ in parts if part is not None]
    states = [state.to(found[0].device) for state in found]
    width = max(state.shape[-1] for state in states)
    filled = [torch.nn.functional.pad(state, (0, width - state.shape[-1])) for state in states]
    return torch.cat(filled, dim=1), next((pooled for _, pooled in parts if pooled is not None), None)


def _benches(pipeline: Any, clip_skip: int, embeddings: Mapping[str, Embedding]) -> tuple[_Bench, ...]:
    """The text encoders of `pipeline`, as its denoising network was trained with them."""
    layers = pipeline.text_encoder.config.num_hidden_layers
    if clip_skip > layers:
        raise Unfit(f"This model's text encoder has {layers} layers: clip skip goes from 1 to {layers}.")

    def clip(number: int, **options: Any) -> _Encoder:
        ending = "" if number == 0 else f"_{number + 1}"
        return _Encoder(
            getattr(pipeline, f"tokenizer{ending}"),
            getattr(pipeline, f"text_encoder{ending}"),
            vectors={name: embedding.vectors[number] for name, embedding in embeddings.items()},
            **options,
        )

    def t5(tokenizer: Any, model: Any, length: int) -> _Encoder:
        return _Encoder(tokenizer, model, length=length, vectors=dict.fromkeys(embeddings, torch.empty(0)))

    parts = pipeline.components
    if "text_encoder_3" in parts:
        # Both CLIPs side by side as in SDXL, and after them T5, which a small machine may leave out
        if pipeline.text_encoder_3 is None:
            wide = pipeline.transformer.config.joint_attention_dim
            nothing = torch.zeros(1, _T5_TOKENS, wide, dtype=pipeline.text_encoder.dtype)
            third: _Encoder | _Nobody = _Nobody(nothing)
        else:
            third = t5(pipeline.tokenizer_3, pipeline.text_encoder_3, _T5_TOKENS)
        clips = tuple(clip(number, layer=2, pooled="text_embeds") for number in (0, 1))
        return (_Bench(encoders=clips), _Bench(encoders=(third,)))
    if "transformer" in parts:
        # FLUX reads what T5 says, and CLIP's summary
        length = _T5_TOKENS_OF_DEV if pipeline.transformer.config.guidance_embeds else _T5_TOKENS
        reader = t5(pipeline.tokenizer_2, pipeline.text_encoder_2, length)
        return (_Bench(encoders=(clip(0, pooled="pooler_output"),), heard=False), _Bench(encoders=(reader,)))
    if parts.get("text_encoder_2") is not None:
        # SDXL was trained on the last layer but one of both, without its norm
        return (_Bench(encoders=(clip(0, layer=2), clip(1, layer=2, pooled="text_embeds"))),)
    return (_Bench(encoders=(clip(0, layer=clip_skip, normed=True),)),)


@dataclass(frozen=True, kw_only=True)
class _Chunked:
    """A prompt's chunks, for each ingredient those of every encoder."""

    prompt: Prompt
    chunks: tuple[tuple[list[_Chunk], ...], ...]

    @classmethod
    def of(cls, prompt: Prompt, encoders: Sequence[_Encoder | _Nobody]) -> "_Chunked":
        chunks = (tuple(encoder.chunks(ingredient) for encoder in encoders) for ingredient in prompt.ingredients)
        return cls(prompt=prompt, chunks=tuple(chunks))

    @property
    def longest(self) -> int:
        return max(len(own) for of_ingredient in self.chunks for own in of_ingredient)

    def run(self, encoders: Sequence[_Encoder | _Nobody], count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of all ingredients, mixed by their shares, and their pooled states."""
        results = [_run(encoders, own, count) for own in self.chunks]
        if len(results) == 1:
            return results[0]
        shares = [ingredient.share for ingredient in self.prompt.ingredients]
        states = [share * state for share, (state, _) in zip(shares, results, strict=True)]
        pooled = [share * found for share, (_, found) in zip(shares, results, strict=True) if found is not None]
        return torch.stack(states).sum(0), torch.stack(pooled).sum(0) if pooled else None


def _run(
    encoders: Sequence[_Encoder | _Nobody], chunks: Sequence[Sequence[_Chunk]], count: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """States of all encoders side by side, and the pooled states of those that have one."""
    told = [encoder.run(own, count) for encoder, own in zip(encoders, chunks, strict=True)]
    pooled = [found for _, found in told if found is not None]
    return torch.cat([state for state, _ in told], dim=-1), torch.cat(pooled, dim=-1) if pooled else None
