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
_SMALL = 5000  # tokens; a larger vocabulary was learned from so much text that pieces of words say something
_APOSTROPHES = "'\u2019"


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """What the denoising network is told, under the argument names of diffusers pipelines."""

    prompt_embeds: torch.Tensor  # (1, tokens, width)
    negative_prompt_embeds: torch.Tensor | None
    pooled_prompt_embeds: torch.Tensor | None = None  # (1, width), SDXL only
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
    encoders = _encoders(pipeline, clip_skip, embeddings)
    empty_is_zero = bool(getattr(pipeline.config, "force_zeros_for_empty_prompt", False))
    prompts = [read(prompt)]
    if guided and (negative_prompt or not empty_is_zero):
        prompts.append(read(negative_prompt, argument="negative_prompt"))
    chunked = [_Chunked.of(each, encoders) for each in prompts]
    chunks = max(each.longest for each in chunked)
    results = [each.run(encoders, chunks) for each in chunked]
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
    """A tokenizer and its text encoder; `layer` counts its layers from the end, from 1."""

    def __init__(
        self, tokenizer: Any, model: Any, *, layer: int, normed: bool, vectors: Mapping[str, torch.Tensor]
    ) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._layer = layer
        self._normed = normed
        self._vectors = vectors
        self._pattern = pattern_of(vectors)
        self._comma = tokenizer(",", add_special_tokens=False).input_ids[-1]
        length = min(int(tokenizer.model_max_length), int(model.config.max_position_embeddings))
        self._room = length - 2

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
        first, last = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        padding = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else last
        ids, weights, vectors = [first], [1.0], {}
        for unit in units:
            if unit.vectors is not None:
                vectors[len(ids)] = unit.vectors
            ids += unit.ids
            weights += [unit.weight] * len(unit.ids)
        missing = self._room + 1 - len(ids)
        return _Chunk(
            ids=(*ids, last, *[padding] * missing), weights=(*weights, 1.0, *[1.0] * missing), vectors=vectors
        )

    def run(self, chunks: Sequence[_Chunk], count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of (1, `count` * length, width), and the pooled state of the first chunk if the model has one."""
        empty = self._chunk(())
        states, pooled = [], None
        for chunk in [*chunks, *[empty] * (count - len(chunks))]:
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
            if self._layer == 1:
                return self._model(given, attention_mask=mask)[0], None
            output = self._model(given, attention_mask=mask, output_hidden_states=True)
        state = output.hidden_states[-self._layer]
        if self._normed:
            return self._model.final_layer_norm(state), None
        return state, output[0] if output[0].ndim == 2 else None


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


def _encoders(pipeline: Any, clip_skip: int, embeddings: Mapping[str, Embedding]) -> tuple[_Encoder, ...]:
    parts = [(pipeline.tokenizer, pipeline.text_encoder)]
    if getattr(pipeline, "text_encoder_2", None) is not None:
        parts.append((pipeline.tokenizer_2, pipeline.text_encoder_2))
    two = len(parts) > 1
    layers = pipeline.text_encoder.config.num_hidden_layers
    if clip_skip > layers:
        raise Unfit(f"This model's text encoder has {layers} layers: clip skip goes from 1 to {layers}.")
    return tuple(
        _Encoder(
            tokenizer,
            model,
            layer=2 if two else clip_skip,  # SDXL was trained on the last layer but one, without its norm
            normed=not two,
            vectors={name: embedding.vectors[number] for name, embedding in embeddings.items()},
        )
        for number, (tokenizer, model) in enumerate(parts)
    )


@dataclass(frozen=True, kw_only=True)
class _Chunked:
    """A prompt's chunks, for each ingredient those of every encoder."""

    prompt: Prompt
    chunks: tuple[tuple[list[_Chunk], ...], ...]

    @classmethod
    def of(cls, prompt: Prompt, encoders: Sequence[_Encoder]) -> "_Chunked":
        chunks = (tuple(encoder.chunks(ingredient) for encoder in encoders) for ingredient in prompt.ingredients)
        return cls(prompt=prompt, chunks=tuple(chunks))

    @property
    def longest(self) -> int:
        return max(len(own) for of_ingredient in self.chunks for own in of_ingredient)

    def run(self, encoders: Sequence[_Encoder], count: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """States of all ingredients, mixed by their shares, and their pooled states."""
        results = [_run(encoders, own, count) for own in self.chunks]
        if len(results) == 1:
            return results[0]
        shares = [ingredient.share for ingredient in self.prompt.ingredients]
        states = [share * state for share, (state, _) in zip(shares, results, strict=True)]
        pooled = [share * found for share, (_, found) in zip(shares, results, strict=True) if found is not None]
        return torch.stack(states).sum(0), torch.stack(pooled).sum(0) if pooled else None


def _run(
    encoders: Sequence[_Encoder], chunks: Sequence[Sequence[_Chunk]], count: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """States of all encoders side by side, and the pooled state of the last that has one."""
    states, pooled = [], None
    for encoder, own in zip(encoders, chunks, strict=True):
        state, found = encoder.run(own, count)
        states.append(state)
        pooled = found if found is not None else pooled
    return torch.cat(states, dim=-1), pooled
