"""The ladder of memory: what is predicted, what there is, and what is chosen."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import DPTConfig, DPTForDepthEstimation, RTDetrConfig, RTDetrForObjectDetection

from generation import Catalogue, Family, Model
from generation.tries import Need
from generation.worker import memory
from generation.worker.memory import Numbers, Room, Step, Weights
from generation.worker.placement import Placement
from tests import architectures
from tests.allocations import Counted

GB = 1e9


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.read(default="storybook")


def a_placement(device: str = "cpu", dtype: torch.dtype = torch.float32, *, batches: bool = False) -> Placement:
    return Placement(
        device=torch.device(device), name=device, dtype=dtype, reason="", memory=2**34, draws_batches=batches
    )


def numbers_of(name: str) -> Numbers:
    return memory.count(architectures.parts(name, "meta"))


def chosen(name: str, placement: Placement, gigabytes: float, model: Model, need: Need | None = None) -> Step:
    """What a device with so much memory would draw it on."""
    numbers, need = numbers_of(name), need or Need.usual(model)

    def costs(step: Step) -> float:
        return memory.predict(need, model.family, numbers, step, placement.device.type)

    steps = memory.worth_taking(memory.ladder(placement), costs)
    return memory.choose(steps, costs, gigabytes * GB)


@pytest.mark.parametrize("name", architectures.NAMES)
def test_the_architectures_of_the_budgets_have_as_many_numbers_as_the_published_ones(
    name: str, catalogue: Catalogue
) -> None:
    parts = architectures.parts(name, "meta").values()
    assert sum(each.numel() for part in parts for each in part.parameters()) == catalogue[name].parameters


@pytest.mark.parametrize(
    ("name", "side", "batch"), [("sd-1.5", 512, 1), ("sdxl", 768, 2), ("x4-upscaler", 512, 1)]
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning:torch")
def test_activations_are_predicted_as_they_are_in_the_true_architectures(
    name: str, side: int, batch: int, catalogue: Catalogue
) -> None:
    need = Need(pixels=side * side, batch=batch, upscales=name == "x4-upscaler")
    network, autoencoder = memory.activations(need, catalogue[name].family, Step(dtype=torch.float32), "cpu")
    with FakeTensorMode(allow_non_fake_inputs=True):
        parts: dict[str, Any] = architectures.parts(name)
        unet, vae = parts["unet"], parts["vae"]
        factor = 2 ** (len(vae.config.block_out_channels) - 1)
        samples, latent = 2 * batch, side // factor
        with torch.inference_mode(), Counted() as counted:
            unet(
                torch.zeros(samples, unet.config.in_channels, latent, latent),
                torch.tensor(500),
                torch.zeros(samples, 77, unet.config.cross_attention_dim),
                class_labels=torch.zeros(samples, dtype=torch.long) if unet.config.num_class_embeds else None,
                added_cond_kwargs={"text_embeds": torch.zeros(samples, 1280), "time_ids": torch.zeros(samples, 6)},
            )
        assert 0.97 * network < counted.peak < network
        with torch.inference_mode(), Counted() as counted:
            vae.decode(torch.zeros(1, 4, latent, latent))
        assert 0.97 * autoencoder < counted.peak < autoencoder


@pytest.mark.parametrize(("name", "side", "batch"), [("sd-1.5", 512, 1), ("sdxl", 768, 2)])
@pytest.mark.filterwarnings("ignore:.*:UserWarning:torch")
def test_activations_with_a_controlnet_are_predicted_as_they_are_in_the_true_architectures(
    name: str, side: int, batch: int, catalogue: Catalogue
) -> None:
    need = Need(pixels=side * side, batch=batch, control=1)
    predicted, _ = memory.activations(need, catalogue[name].family, Step(dtype=torch.float32), "cpu")
    with FakeTensorMode(allow_non_fake_inputs=True):
        unet: Any = architectures.parts(name)["unet"]
        control = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
        samples, latent = 2 * batch, side // 8
        with torch.inference_mode(), Counted() as counted:
            given = {
                "encoder_hidden_states": torch.zeros(samples, 77, unet.config.cross_attention_dim),
                "added_cond_kwargs": {
                    "text_embeds": torch.zeros(samples, 1280),
                    "time_ids": torch.zeros(samples, 6),
                },
            }
            noise, step = torch.zeros(samples, 4, latent, latent), torch.tensor(500)
            hint = torch.zeros(samples, 3, side, side)
            down, middle = control(noise, step, controlnet_cond=hint, return_dict=False, **given)
            unet(
                noise,
                step,
                down_block_additional_residuals=down,
                mid_block_additional_residual=middle,
                **given,
            )
    assert 0.97 * predicted < counted.peak < predicted


_DETECTORS: dict[str, tuple[Callable[[], torch.nn.Module], int]] = {  # and the side of what it looks at
    "RT-DETR": (lambda: RTDetrForObjectDetection(RTDetrConfig()), 640),
    "DPT, the large one": (lambda: DPTForDepthEstimation(_LARGE_DPT), 384),
}
_LARGE_DPT = DPTConfig(
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    backbone_out_indices=[5, 11, 17, 23],
)


@pytest.mark.parametrize("name", _DETECTORS)
@pytest.mark.filterwarnings("ignore:.*:UserWarning:torch")
def test_a_detector_takes_no_more_beside_its_weights_than_is_predicted(name: str) -> None:
    make, side = _DETECTORS[name]
    whole, nothing = Step(dtype=torch.float32), Numbers(parts={}, block=0)
    least, looking = (Need(pixels=0, batch=1, detector=detector) for detector in (0, 1))
    predicted, drawing = (memory.predict(each, Family.SD1, nothing, whole, "cpu") for each in (looking, least))
    with FakeTensorMode(allow_non_fake_inputs=True):
        detector = make().eval()
        with torch.inference_mode(), Counted() as counted:
            detector(torch.zeros(1, 3, side, side))
    assert 50e6 < counted.peak < predicted - drawing


@pytest.mark.parametrize(
    ("weights", "counts"),
    [(each, each in {Weights.WHOLE, Weights.BY_PART}) for each in Weights],
)
def test_the_weights_of_a_controlnet_count_where_they_stay_on_the_device(
    weights: Weights, counts: bool, catalogue: Catalogue
) -> None:
    step = Step(dtype=torch.float16, weights=weights)
    plain, controlled = (Need(pixels=512 * 512, batch=1, control=control) for control in (1, 10**9))
    family, numbers = catalogue["sd-1.5"].family, numbers_of("sd-1.5")
    costs = [memory.predict(need, family, numbers, step, "cpu") for need in (plain, controlled)]

    assert costs[1] - costs[0] == pytest.approx(2e9 if counts else 0.0, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "gigabytes", "weights"),
    [
        ("sd-1.5", 12, Weights.WHOLE),
        ("sd-1.5", 4, Weights.WHOLE),
        ("sd-1.5", 2.5, Weights.BY_BLOCK),
        ("sd-1.5", 1.5, Weights.BY_LAYER),
        ("sd-2.1", 6, Weights.WHOLE),
        ("sdxl", 12, Weights.WHOLE),
        ("sdxl", 8, Weights.BY_PART),
        ("x4-upscaler", 6, Weights.WHOLE),
    ],
)
def test_a_gpu_takes_the_fastest_step_that_fits(
    name: str, gigabytes: float, weights: Weights, catalogue: Catalogue
) -> None:
    need = Need(pixels=512 * 512, batch=1, upscales=True) if name == "x4-upscaler" else None
    step = chosen(name, a_placement("cuda", torch.bfloat16), gigabytes, catalogue[name], need)
    assert step.weights is weights


@pytest.mark.parametrize(
    ("gigabytes", "dtype", "weights"),
    [
        (16, torch.float32, Weights.WHOLE),
        (4, torch.bfloat16, Weights.WHOLE),
        (2, torch.bfloat16, Weights.MAPPED),
        (0, torch.bfloat16, Weights.MAPPED),
    ],
)
def test_a_cpu_takes_half_the_bytes_and_then_a_file(
    gigabytes: float, dtype: torch.dtype, weights: Weights, catalogue: Catalogue
) -> None:
    step = chosen("sd-1.5", a_placement(), gigabytes, catalogue["sd-1.5"])
    assert (step.dtype, step.weights) == (dtype, weights)


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
def test_no_step_needs_more_than_the_one_above_it(device: str, catalogue: Catalogue) -> None:
    numbers, need = numbers_of("sdxl"), Need(pixels=2048 * 2048, batch=4)
    steps = memory.ladder(a_placement(device, torch.float16 if device == "mps" else torch.float32))
    costs = [memory.predict(need, catalogue["sdxl"].family, numbers, step, device) for step in steps]

    assert costs == sorted(costs, reverse=True)
    assert len(set(map(str, steps))) == len(steps)


def test_an_autoencoder_that_overflows_in_fp16_is_counted_in_fp32(catalogue: Catalogue) -> None:
    xl, one = (Need.usual(catalogue[name]) for name in ("sdxl", "sd-1.5"))
    half, full = (Step(dtype=dtype) for dtype in (torch.float16, torch.float32))
    assert (
        memory.activations(xl, Family.SDXL, half, "cuda")[1]
        == memory.activations(xl, Family.SDXL, full, "cuda")[1]
    )
    assert (
        memory.activations(one, Family.SD1, half, "cuda")[1] < memory.activations(one, Family.SD1, full, "cuda")[1]
    )


def test_half_floats_are_nowhere_on_a_cpus_ladder() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        assert torch.float16 not in {step.dtype for step in memory.ladder(a_placement(dtype=dtype))}


def test_a_step_that_saves_nothing_is_left_out() -> None:
    one, other, third = memory.ladder(a_placement("cuda", torch.bfloat16))[:3]
    assert memory.worth_taking((one, other, third), {one: 2.0, other: 2.0, third: 1.0}.__getitem__) == [one, third]


LADDERS = [
    memory.ladder(a_placement(device, dtype))
    for device, dtype in (
        ("cpu", torch.float32),
        ("cpu", torch.bfloat16),
        ("cuda", torch.bfloat16),
        ("cuda", torch.float32),
        ("mps", torch.float16),
    )
]


@pytest.mark.parametrize("ladder", LADDERS)
def test_a_step_takes_as_much_as_itself_and_those_below_it_and_is_known_by_its_name(
    ladder: tuple[Step, ...],
) -> None:
    for number, step in enumerate(ladder):
        taken = [step.takes_as_much_as(other) for other in ladder]
        assert taken == [other >= number for other in range(len(ladder))]
        assert Step.named(str(step)) == step
    assert Step.named("full, float8") is None


def test_a_step_in_full_precision_takes_as_much_as_the_same_in_half_and_not_the_other_way_round() -> None:
    full, half = (Step(dtype=dtype) for dtype in (torch.float32, torch.bfloat16))

    assert full.takes_as_much_as(half)
    assert not half.takes_as_much_as(full)


def test_a_limit_is_for_the_whole_process_on_a_cpu() -> None:
    assert Room(a_placement(), 0).left() < -1e8
    assert Room(a_placement(), 10**12).left() < 10**12
    assert 0 < Room(a_placement(), None).left() < math.inf


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, None),
        ({"memory.max": "max", "memory.current": "5"}, None),
        ({"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 1\ninactive_file 200\n"}, 500),
        (
            {
                "memory/memory.limit_in_bytes": "1000",
                "memory/memory.usage_in_bytes": "700",
                "memory/memory.stat": "total_inactive_file 100\n",
            },
            400,
        ),
        (
            {
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
                "memory/memory.usage_in_bytes": "700",
                "memory/memory.stat": "",
            },
            None,
        ),
    ],
)
def test_a_containers_limit_counts(tmp_path: Path, files: dict[str, str], left: int | None) -> None:
    (tmp_path / "memory").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    if "memory.max" in files:
        (tmp_path / "memory.stat").write_text(files.get("memory.stat", ""))

    assert memory.left_in_group(tmp_path) == left
    room = Room(a_placement(), None, groups=tmp_path)
    assert room.most == (a_placement().memory if left is None else 1000)
    assert Room(a_placement(), 500, groups=tmp_path).most == 500
