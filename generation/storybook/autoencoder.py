"""The autoencoder of the storybook: each 8 by 8 pixels of a picture to four numbers, and back.

Its latents are scaled to zero mean and unit spread by the weights themselves, so that `scaling_factor` is 1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from generation.storybook.optimizer import Muon
from generation.storybook.scenes import CELLS, Pixels, scene_of, sketch, sketches

Thing = TypeVar("Thing")
Pictures = npt.NDArray[np.uint8]
NATIVE = 256
FACTOR = 8
REFERENCE = 3.0
CELL_PIXELS = NATIVE // CELLS
SQUARE = (CELLS, CELLS)
CROP = NATIVE // 2
LATENT_NOISE = 0.05
HELD_OUT_SEED = 900_000_000


def build_autoencoder() -> AutoencoderKL:
    """A fresh autoencoder, few channels at full resolution, no attention, its normalisation made harmless."""
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 16, 48, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
        sample_size=NATIVE,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d):
            follows_a_bend = name.endswith("conv1")
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu" if follows_a_bend else "linear")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for name, part in model.named_modules():
        if name.endswith("conv2"):
            nn.init.zeros_(part.weight)
        if name.endswith("conv_out"):
            nn.init.normal_(part.weight, std=0.05)
    _make_references(model)
    for part in (model.quant_conv, model.post_quant_conv):
        nn.init.dirac_(part.weight)
    nn.init.zeros_(model.quant_conv.weight[4:])
    nn.init.constant_(model.quant_conv.bias[4:], 2 * math.log(LATENT_NOISE))
    for part in (model.quant_conv, model.post_quant_conv):
        part.requires_grad_(requires_grad=False)
    return model


def _make_references(model: nn.Module) -> None:
    """Gives every normalisation two channels of constant height, which decide what it divides by.

    A group norm takes a picture's brightness and colour away, and a small network is long in learning to bring
    them back. With two channels fixed at plus and minus `REFERENCE` times the usual spread, the norm becomes
    nearly a constant factor, which its gain undoes.
    """
    for name, part in model.named_modules():
        if isinstance(part, nn.GroupNorm):
            part.weight.data.fill_(math.sqrt(REFERENCE**2 + 1))
            part.weight.data[:2] = 0.0
            _hold(part.weight, _first_two(part.weight, rows=True))
            _hold(part.bias, _first_two(part.bias, rows=True))
        if not isinstance(part, nn.Conv2d) or part.bias is None:
            continue
        stays_inside = name.endswith(("conv_in", "conv1", "conv_shortcut", "samplers.0.conv"))
        if stays_inside:
            height = REFERENCE * math.sqrt(part.out_channels / 2)
            part.weight.data[:2] = 0.0
            part.bias.data[0], part.bias.data[1] = height, -height
            free = _first_two(part.weight, rows=True)
            if name.endswith(("conv_shortcut", "samplers.0.conv")):
                part.weight.data[:, :2] = 0.0
                free = free * _first_two(part.weight, rows=False)
            _hold(part.weight, free)
            _hold(part.bias, _first_two(part.bias, rows=True))
        elif name.endswith("conv2"):
            _hold(part.weight, _first_two(part.weight, rows=True))
            _hold(part.bias, _first_two(part.bias, rows=True))


def _first_two(like: Tensor, *, rows: bool) -> Tensor:
    free = torch.ones_like(like)
    if rows:
        free[:2] = 0.0
    else:
        free[:, :2] = 0.0
    return free


def _hold(parameter: Tensor, free: Tensor) -> None:
    """Keeps the parameter as it is wherever `free` is 0."""
    parameter.register_hook(lambda gradient: gradient * free.to(gradient.device))  # type: ignore[no-untyped-call] # torch leaves it untyped


def draw_pictures(file: Path, *, count: int, seed: int, said: Callable[[str], None]) -> Pictures:
    """Draws `count` square scenes into a uint8 array file (count, 256, 256, 3), or maps the file that is there."""
    if file.exists():
        return _mapped(file)
    unfinished = file.with_suffix(".part.npy")
    pictures = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=(count, NATIVE, NATIVE, 3))
    for index, picture in enumerate(sketches([scene_of(number, SQUARE) for number in range(seed, seed + count)])):
        pictures[index] = picture
        if index % 2000 == 1999:
            said(f"drawn {index + 1} of {count} pictures")
    pictures.flush()
    unfinished.rename(file)
    return _mapped(file)


def _mapped(file: Path) -> Pictures:
    pictures: Pictures = np.load(file, mmap_mode="r")
    return pictures


def as_tensor(pictures: Pictures, device: torch.device) -> Tensor:
    """Pictures (n, h, w, 3) of 0..255 as a tensor (n, 3, h, w) of -1..1."""
    return torch.from_numpy(np.array(pictures)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def reconstruction_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """L1, squares, and L1 of the gradients, which keeps edges sharp."""
    across = functional.l1_loss(made.diff(dim=3), wanted.diff(dim=3))
    down = functional.l1_loss(made.diff(dim=2), wanted.diff(dim=2))
    return functional.l1_loss(made, wanted) + functional.mse_loss(made, wanted) + across + down


def halved(device: torch.device) -> torch.autocast:
    """Computes in bf16 where the device has units for it, which about halves the time of a step."""
    has_units = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 # torch has no other
    return torch.autocast(device.type, torch.bfloat16, enabled=has_units)


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves the running average of the weights towards the model's."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


def learning_rate(share: float, *, highest: float) -> float:
    """Rises over the first hundredth of the time, holds, and falls evenly to a fiftieth over the last half."""
    if share < 0.01:
        return highest * max(share, 0.0005) / 0.01
    return highest * min(1.0, max(0.02, 2 * (1 - share)))


class AutoencoderTraining:
    """Trains an autoencoder step by step; what `state` gives, `restore` takes back."""

    def __init__(self, *, pictures: Pictures, device: torch.device, seed: int, highest_rate: float = 2e-3) -> None:
        torch.manual_seed(seed)
        self.pictures, self.device, self.highest_rate = pictures, device, highest_rate
        self.model = build_autoencoder().to(device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(requires_grad=False)
        self.optimizer = Muon(self.model)
        self.random = np.random.default_rng(seed)
        self.settled = False
        self.steps = 0

    def _batch(self, share: float) -> Tensor:
        """Crops at the start, whole pictures towards the end; one in four lies off the grid."""
        side, count = (CROP, 8) if share < 0.8 else (NATIVE, 2)
        step = 1 if self.random.random() < 0.25 else CELL_PIXELS
        crops = []
        for index in self.random.integers(len(self.pictures), size=count):
            x, y = (self.random.integers((NATIVE - side) // step + 1, size=2) * step).tolist()
            crops.append(self.pictures[index, y : y + side, x : x + side])
        if step == 1 and side == NATIVE:
            crops = [np.roll(crop, self.random.integers(CELL_PIXELS, size=2), axis=(0, 1)) for crop in crops]
        return as_tensor(np.stack(crops), self.device).contiguous(memory_format=torch.channels_last)

    def step(self, share: float) -> float:
        """One step of training at this share of the time; returns the loss."""
        wanted = self._batch(share)
        with halved(self.device):
            posterior = self.model.encode(wanted).latent_dist
            latents = posterior.mean.float()
            made = self.model.decode(posterior.sample()).sample.float()
        loss = reconstruction_loss(made, wanted)
        if not self.settled:
            spread, mean = torch.std_mean(latents, dim=(0, 2, 3))
            loss = loss + 0.01 * (mean.square() + (spread - 1).square()).mean()
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        highest = self.highest_rate * (0.5 if self.settled else 1.0)
        self.optimizer.step(learning_rate(share, highest=highest))
        self.steps += 1
        update_average(self.average, self.model, min(0.998, 1 - 1 / (10 + self.steps)))
        return float(loss.detach())

    def settle(self) -> None:
        """Fixes the latents at the running average, normalised; from now on only the decoder learns."""
        if self.settled:
            return
        normalise(self.average, self.pictures, self.device)
        self.model.load_state_dict(self.average.state_dict())
        self._freeze_encoder()

    def start_from(self, folder: Path) -> None:
        """Begins with the weights of a model folder; its latents stay as they are, and only the decoder learns."""
        kept = AutoencoderKL.from_pretrained(folder, subfolder="vae", dtype=torch.float32).state_dict()
        self.model.load_state_dict(kept)
        self.average.load_state_dict(kept)
        self._freeze_encoder()

    def _freeze_encoder(self) -> None:
        self.model.encoder.requires_grad_(requires_grad=False)
        self.settled = True

    def state(self) -> dict[str, object]:
        """Everything needed to go on later."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.bit_generator.state,
            "steps": self.steps,
            "settled": self.settled,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.bit_generator.state = state["random"]
        self.steps = state["steps"]
        if state["settled"]:
            self._freeze_encoder()


@torch.no_grad()
def fidelity(model: AutoencoderKL, device: torch.device, *, count: int = 64) -> float:
    """Peak signal-to-noise ratio in decibels over `count` scenes that no training set holds."""
    scenes = [sketch(scene_of(HELD_OUT_SEED + index, SQUARE)) for index in range(count)]
    errors = []
    for start in range(0, count, 8):
        wanted = as_tensor(np.stack(scenes[start : start + 8]), device)
        made = model.decode(model.encode(wanted).latent_dist.mode()).sample.clamp(-1, 1)
        errors.append(((made - wanted) / 2).square().mean(dim=(1, 2, 3)))
    return float(-10 * torch.cat(errors).mean().log10())


@torch.no_grad()
def encode(model: AutoencoderKL, pictures: Iterable[Pixels], device: torch.device) -> Tensor:
    """The latents (count, 4, height / 8, width / 8) of pictures (height, width, 3) of one size, without noise."""
    parts = []
    for some in batched(pictures, 16):
        with halved(device):
            found = model.encode(as_tensor(np.stack(some), device)).latent_dist.mode()
        parts.append(found.float().cpu())
    return torch.cat(parts)


def batched(things: Iterable[Thing], count: int) -> Iterator[list[Thing]]:
    """The things in lists of `count`, the last one shorter where they do not come out even."""
    source = iter(things)
    while some := list(islice(source, count)):
        yield some


@torch.no_grad()
def normalise(model: AutoencoderKL, pictures: Pictures, device: torch.device) -> None:
    """Folds mean and spread of the latents into the 1x1 convolutions on both sides of them."""
    latents = encode(model, pictures[:512], device)
    mean = latents.mean(dim=(0, 2, 3)).to(device)
    spread = latents.std(dim=(0, 2, 3)).to(device)
    inward, outward = model.quant_conv, model.post_quant_conv
    outward.bias += (outward.weight[:, :, 0, 0] * mean).sum(dim=1)
    outward.weight *= spread[None, :, None, None]
    inward.weight[:4] /= spread[:, None, None, None]
    inward.bias[:4] = (inward.bias[:4] - mean) / spread
    inward.bias[4:] -= 2 * spread.log()
