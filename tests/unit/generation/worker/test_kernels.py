"""The faster ways in bf16: each computes what PyTorch's own does, as exactly, or leaves it to that."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional

from generation import Mode
from generation.worker import kernels
from generation.worker.kernels import Faster
from generation.worker.placement import Placement
from tests.unit.generation.worker.conftest import SetUp
from tests.unit.generation.worker.test_families import apart, asked

BF16, FP32 = torch.bfloat16, torch.float32


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = BF16) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def heads(tokens: int, *, heads: int = 8, width: int = 40, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """As networks have them, (batch, heads, tokens, width): a token's heads side by side in memory."""
    return numbers(batch, tokens, heads * width, seed=seed).view(batch, tokens, heads, width).transpose(1, 2)


def error(found: torch.Tensor, right: torch.Tensor) -> float:
    """Of what there is, the part that is wrong: root mean squares."""
    difference = (found.float() - right.float()).square().mean().sqrt()
    return float(difference / right.float().square().mean().sqrt())


@pytest.mark.parametrize(
    ("queries", "keys"),
    [
        (heads(1024), heads(1024, seed=1)),
        (heads(300), heads(77, seed=1)),  # to words
        (heads(3001, heads=3), heads(2999, heads=3, seed=1)),  # by rows and by heads there is a rest
        (heads(600, batch=2, width=64), heads(600, batch=2, width=64, seed=1)),  # a width that needs no filling
        (heads(400, heads=1, width=512), heads(400, heads=1, width=512, seed=1)),  # an autoencoder's
    ],
)
def test_attention_is_what_its_formula_says(queries: torch.Tensor, keys: torch.Tensor) -> None:
    values = numbers(*keys.shape, seed=2)
    found = kernels.attention(queries, keys, values)
    right = functional.scaled_dot_product_attention(queries.double(), keys.double(), values.double())
    assert found.shape == queries.shape
    assert found.dtype is BF16
    assert error(found, right) < 0.01  # two roundings to bf16, of 1/256 each at most


def test_attention_takes_values_of_another_width_and_a_scale_of_its_own() -> None:
    query, key = heads(500), heads(500, seed=1)
    value = heads(500, width=24, seed=2)
    found = kernels.attention(query, key, value, 0.3)
    right = functional.scaled_dot_product_attention(query.double(), key.double(), value.double(), scale=0.3)
    assert found.shape == value.shape
    assert error(found, right) < 0.015


@pytest.mark.parametrize("spread", [1.0, 3.0, 9.0])
@pytest.mark.parametrize("common", [0.0, 30.0, 90.0])
def test_attention_is_about_as_exact_as_bf16_is(spread: float, common: float) -> None:
    """Products differ by several times `spread` and have `common` in common, as in trained networks."""
    lift = (common / 40**0.5) ** 0.5
    query, key = (lift + heads(1024, seed=seed).float() * spread**0.5 for seed in (0, 1))
    value = heads(1024, seed=2)
    given = (query.to(BF16), key.to(BF16), value)
    right = functional.scaled_dot_product_attention(*(each.double() for each in given))
    written_out = (given[0] @ given[1].mT * 40**-0.5).softmax(-1) @ value
    assert error(kernels.attention(*given), right) < min(1.5 * error(written_out, right), 0.03)


def test_equal_keys_weigh_the_same_whatever_their_product() -> None:
    query, value = heads(1024), heads(1024, seed=2)
    key = torch.ones_like(query)
    for lift in (0.01, 1.0, 85.0, 1000.0):
        found = kernels.attention(query * 0 + lift, key, value)
        assert error(found, value.mean(-2, keepdim=True).expand_as(value)) < 0.01


@pytest.mark.parametrize("product", [87.0, 200.0])  # of e to the first only the sum is too large
def test_products_that_are_beyond_what_bf16_can_raise_e_to_are_left_to_pytorch(product: float) -> None:
    query = torch.ones(1, 8, 512, 40, dtype=BF16)
    key = query * (product / 40**0.5)
    key[:, :, ::2] *= -1
    value = query * 1e-4
    assert not kernels.attention(query, key, value).isfinite().any()
    with Faster():
        found = functional.scaled_dot_product_attention(query, key, value)
    assert torch.equal(found, functional.scaled_dot_product_attention(query, key, value))


@pytest.mark.parametrize("side", [8, 16])
@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 2), (0, 2))])
@pytest.mark.parametrize("biased", [True, False])
def test_convolution_is_pytorchs(
    side: int, stride: tuple[int, int], padding: tuple[int, int], *, biased: bool
) -> None:
    pixels = numbers(2, 64, side, side + 2).to(memory_format=torch.channels_last)
    weight = numbers(48, 64, 3, 3, seed=1).to(memory_format=torch.channels_last)
    bias = numbers(48, seed=2) if biased else None
    found = kernels.convolution(pixels, weight, bias, stride, padding)
    right = functional.conv2d(
        pixels.double(), weight.double(), None if bias is None else bias.double(), stride, padding
    )
    assert found.shape == right.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert error(found, right) < 0.005


LARGE = heads(1024)
MASK = torch.zeros(1024, 1024, dtype=BF16).masked_fill_(torch.ones(1024, 1024).triu(1).bool(), -torch.inf)
attend = functional.scaled_dot_product_attention


@pytest.mark.parametrize(
    "compute",
    [
        lambda: attend(LARGE, LARGE, LARGE, MASK),
        lambda: attend(LARGE, LARGE, LARGE, None, 0.0, True),
        lambda: attend(LARGE, LARGE, LARGE, attn_mask=MASK, scale=0.5),
        lambda: attend(LARGE, LARGE, LARGE, is_causal=True),
        lambda: attend(LARGE, LARGE, LARGE, dropout_p=1.0),
        lambda: attend(LARGE, LARGE[:, :1], LARGE[:, :1], enable_gqa=True),
        lambda: attend(LARGE.float(), LARGE.float(), LARGE.float()),
        lambda: attend(LARGE[0], LARGE[0], LARGE[0]),
        lambda: attend(LARGE[:, :, :64], LARGE[:, :, :64], LARGE[:, :, :64]),
    ],
)
def test_attention_that_they_are_not_for_stays_as_it_was(compute: Callable[[], torch.Tensor]) -> None:
    right = compute()
    with Faster():
        found = compute()
    assert torch.equal(found, right)


LAYER: dict[str, Any] = {"in_channels": 1024, "out_channels": 8, "kernel_size": 3, "padding": 1}


@pytest.mark.parametrize(
    ("changes", "side", "dtype", "beside"),
    [
        ({}, 8, BF16, True),
        ({"padding": "same"}, 8, BF16, True),
        ({"padding": 2, "dilation": 2}, 8, BF16, True),
        ({"in_channels": 2048, "groups": 2}, 8, BF16, True),
        ({"in_channels": 512}, 8, BF16, True),
        ({"kernel_size": 1, "padding": 0}, 8, BF16, True),
        ({}, 17, BF16, True),
        ({}, 8, FP32, True),
        ({}, 8, BF16, False),
    ],
)
def test_a_layer_is_one_product_only_where_that_is_faster(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], side: int, dtype: torch.dtype, *, beside: bool
) -> None:
    layer = torch.nn.Conv2d(**LAYER | changes, dtype=dtype)
    if beside:
        layer.to(memory_format=torch.channels_last)
    pixels = numbers(1, layer.in_channels, side, side, dtype=dtype)
    right = layer(pixels)
    called: list[str] = []
    _count(monkeypatch, "convolution", called)
    with Faster():
        found = layer(pixels)
    assert bool(called) is ((changes, side, dtype, beside) == ({}, 8, BF16, True))
    assert error(found, right) < 0.005
    assert called or torch.equal(found, right)


@pytest.fixture(scope="module")
def network() -> Any:
    """As Stable Diffusion's, with channels enough on its small maps and tokens enough on its large ones."""
    torch.manual_seed(0)
    network: Any = UNet2DConditionModel(
        sample_size=32,
        cross_attention_dim=32,
        attention_head_dim=2,
        block_out_channels=(32, 1024),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
    )
    return network.eval()


def test_a_whole_network_computes_as_exactly_as_before(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    latents, words = numbers(2, 4, 32, 32), numbers(2, 77, 32, seed=1)
    right = network.float()(latents.float(), 500, words.float()).sample
    before = network.to(BF16)(latents, 500, words).sample
    kernels.lay(network, torch.device("cpu"), BF16)
    assert network.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    called: list[str] = []
    for name in ("attention", "convolution"):
        _count(monkeypatch, name, called)
    with Faster():
        found = network(latents, 500, words).sample
    assert {"attention", "convolution"} <= set(called)
    assert error(found, right) < 1.5 * error(before, right)


@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl", "sd3", "flux", "inpainting", "depth", "upscaler"])
def test_every_family_draws_the_same_with_them(
    set_up: SetUp, picture: Path, mask: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mode = {"inpainting": Mode.INPAINT, "depth": Mode.DEPTH, "upscaler": Mode.UPSCALE}.get(kind, Mode.BLEND)
    recipe, easel = asked(kind, mode), set_up(kind, dtype=BF16)
    before = easel.draw(recipe, source=picture, mask=mask).images[0]
    for name in ("_PICTURE", "_ATTENDS", "_CHANNELS"):
        monkeypatch.setattr(kernels, name, 0)
    monkeypatch.setattr(kernels, "_MAP", 2**20)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    called: list[str] = []
    for name in ("attention", "convolution"):
        _count(monkeypatch, name, called)
    found = easel.draw(recipe, source=picture, mask=mask).images[0]
    assert {"attention", "convolution"} <= set(called)
    other = easel.draw(asked(kind, mode, seeds=(8,)), source=picture, mask=mask).images[0]
    assert apart(found, before) < apart(found, other) / 3


def _count(monkeypatch: pytest.MonkeyPatch, name: str, called: list[str]) -> None:
    own = getattr(kernels, name)

    def counted(*args: Any) -> torch.Tensor:
        called.append(name)
        result: torch.Tensor = own(*args)
        return result

    monkeypatch.setattr(kernels, name, counted)


def test_they_are_used_in_bf16_on_a_cpu_with_vectors_alone_for_large_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = {"avx512_bf16": True, "amx_bf16": False}

    def used(*, dtype: torch.dtype = BF16, device: str = "cpu", side: int = 512, **has: bool) -> bool:
        placement = Placement(
            device=torch.device(device), name="", dtype=dtype, reason="", memory=0, draws_batches=False
        )
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: vectors | has)
        return isinstance(kernels.faster(placement, side * side), Faster)

    assert used()
    assert not used(dtype=FP32)
    assert not used(device="cuda")
    assert not used(side=256)
    assert not used(amx_bf16=True)
    assert not used(avx512_bf16=False)
