"""Every family and use loads from every kind of source, to the same weights."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel
from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers

from generation import Family, ModelUnavailable, Place, Use
from generation.inspection import inspect_model
from generation.worker import flux_names, loading
from tests import models
from tests.original_layout import flux_transformer

# By their text encoders single files tell Stable Diffusion 1 from 2; small folders do not, and load all the same.
SHAPES: dict[str, tuple[Callable[[Path], Path], str, Family, Use]] = {
    "sd1": (models.small_sd1, "StableDiffusionPipeline", Family.SD1, Use.TEXT),
    "lcm": (models.small_lcm, "StableDiffusionPipeline", Family.SD1, Use.TEXT),
    "inpainting": (models.small_inpainting, "StableDiffusionInpaintPipeline", Family.SD1, Use.INPAINT),
    "sd2": (models.small_sd2, "StableDiffusionPipeline", Family.SD2, Use.TEXT),
    "turbo": (models.small_turbo, "StableDiffusionPipeline", Family.SD2, Use.TEXT),
    "sd2-inpainting": (models.small_sd2_inpainting, "StableDiffusionInpaintPipeline", Family.SD2, Use.INPAINT),
    "depth": (models.small_depth, "StableDiffusionDepth2ImgPipeline", Family.SD2, Use.DEPTH),
    "upscaler": (models.small_upscaler, "StableDiffusionUpscalePipeline", Family.SD2, Use.UPSCALE),
    "sdxl": (models.small_sdxl, "StableDiffusionXLPipeline", Family.SDXL, Use.TEXT),
    "sd3": (models.small_sd3, "StableDiffusion3Pipeline", Family.SD3, Use.TEXT),
    "flux": (models.small_flux, "FluxPipeline", Family.FLUX, Use.TEXT),
}


def weights(pipeline: Any) -> dict[str, torch.Tensor]:
    parts = {name: part for name, part in pipeline.components.items() if hasattr(part, "state_dict")}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_model_loads_from_every_kind_of_source_to_the_same_weights(shape: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    make, kind, family, use = SHAPES[shape]
    folder = make(tmp_path / "model")
    expected = weights(loading.load(inspect_model(str(folder)), folder, torch.float32))
    for suffix in (".safetensors", ".ckpt"):
        file = models.single_file(folder, tmp_path / f"file{suffix}")
        model = inspect_model(str(file))
        pipeline = loading.load(model, file, torch.float32)
        found = weights(pipeline)

        assert (type(pipeline).__name__, model.family, model.can[0]) == (kind, family, use)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_network_of_flux_alone_borrows_the_other_parts(tmp_path: Path) -> None:
    folder = models.small_flux(tmp_path / "model")
    expected = weights(loading.load(inspect_model(str(folder)), folder, torch.float32))
    file = models.single_file(folder, tmp_path / "file.safetensors", alone=True)
    model = inspect_model(str(file))

    assert loading.count(model, file) == loading.count(inspect_model(str(folder)), folder)
    found = weights(loading.load(model, file, torch.float32))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)

    (file.with_suffix(".config") / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"holds no vae .* easel models add flux-schnell"):
        loading.load(model, file, torch.float32)


@pytest.mark.parametrize("told", [False, True])
def test_the_network_of_flux_has_the_names_that_diffusers_gives_it(told: bool) -> None:
    true = {"num_layers": 2, "num_single_layers": 2, "guidance_embeds": told}  # and the width of the published one
    with torch.device("meta"):
        wanted = FluxTransformer2DModel(**true).state_dict()
        original = flux_transformer(wanted)
        ours, unknown = flux_names.convert({**original, "extra": torch.empty(1)})
        theirs = convert_flux_transformer_checkpoint_to_diffusers(dict(original))

    def shapes(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
        return {name: tensor.shape for name, tensor in tensors.items()}

    assert shapes(ours) == shapes(theirs) == shapes(wanted)
    assert unknown == {"extra"}


def test_a_network_of_flux_that_is_told_the_guidance_has_the_steps_of_dev(tmp_path: Path) -> None:
    folder = models.small_flux(tmp_path / "model", guided=True)
    dev = inspect_model(str(models.single_file(folder, tmp_path / "dev.safetensors")))

    assert (dev.steps.default, dev.guidance.default) == (25, 3.5)
    assert inspect_model(str(folder)).guidance.default == 3.5
    assert loading.load(dev, tmp_path / "dev.safetensors", torch.float32).scheduler.config.use_dynamic_shifting


def test_what_the_catalogue_says_has_to_be_so(tmp_path: Path) -> None:
    folder = models.small_inpainting(tmp_path / "model")
    model = inspect_model(str(folder))

    with pytest.raises(ModelUnavailable, match=r"says that it is made for text, but .* is for inpaint"):
        loading.load(replace(model, can=(Use.TEXT,)), folder, torch.float32)
    with pytest.raises(ModelUnavailable, match=r"says that it is of family sdxl, but .* holds sd1"):
        loading.load(replace(model, family=Family.SDXL), folder, torch.float32)


@pytest.mark.parametrize(("number", "refused"), [(errno.ENOSPC, OSError), (errno.EIO, ModelUnavailable)])
def test_a_disk_that_is_full_while_weights_are_mapped_is_no_fault_of_the_model(
    tmp_path: Path, number: int, refused: type[Exception]
) -> None:
    folder = models.small_sd1(tmp_path / "model")

    def settle(_part: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(refused):
        loading.load(inspect_model(str(folder)), folder, torch.float32, settle)


def test_a_lora_of_a_model_is_in_its_weights_for_good(tmp_path: Path) -> None:
    folder = models.small_sd1(tmp_path / "model")
    model = replace(inspect_model(str(folder)), lora=Place(source=str(tmp_path / "fast.safetensors")))
    pipeline = loading.load(model, folder, torch.float32)
    before = weights(pipeline)
    _write_lora(pipeline, tmp_path / "fast.safetensors")

    before = {name: value.clone() for name, value in before.items()}
    loading.put_in(model, pipeline, tmp_path / "fast.safetensors")
    after = weights(pipeline)

    assert after.keys() == before.keys()
    assert any(not torch.equal(after[name], before[name]) for name in before)


def _write_lora(pipeline: Any, file: Path) -> None:
    from safetensors.torch import save_file

    name = next(
        key.removesuffix(".weight") for key in pipeline.unet.state_dict() if key.endswith("attn2.to_k.weight")
    )
    wide, deep = pipeline.unet.get_submodule(name).weight.shape
    tensors = {
        f"unet.{name}.lora_A.weight": torch.ones(2, deep),
        f"unet.{name}.lora_B.weight": torch.ones(wide, 2),
    }
    save_file(tensors, file)
