"""`python -m tests.families`: every family in every layout, every mode drawn once, as a table.

The models are small random instances of the real pipeline classes. They are given to `easel models check` as an
operator's own: as an entry of the hub's cache, a folder, a .safetensors and a .ckpt file in their original layout.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import diffusers
import transformers
from diffusers import DiffusionPipeline

from generation import add_entry
from generation.inspection import inspect_model
from tests import adapters, controls, models
from tests.hub import COMMIT

FAMILIES: Mapping[str, Callable[[Path], Path]] = {
    "sd1": models.small_sd1,
    "sd1-inpainting": models.small_inpainting,
    "sd1-lcm": models.small_lcm,
    "sd2": models.small_sd2,
    "sd2-inpainting": models.small_sd2_inpainting,
    "sd2-depth": models.small_depth,
    "sd2-turbo": models.small_turbo,
    "x4-upscaler": models.small_upscaler,
    "sdxl": models.small_sdxl,
    "sd3": models.small_sd3,
    "flux": models.small_flux,
}
LAYOUTS = ("hub", "folder", "safetensors", "ckpt")


def make(place: Path) -> dict[str, str]:
    """Models of every family in every layout as the operator's own, in `place`; what Easel's environment needs.

    With them there is one of everything that changes models, made for the first family.
    """
    hub, data = place / "hub", place / "data"
    own = data / "models" / "models.toml"
    own.parent.mkdir(parents=True)
    for family, build in FAMILIES.items():
        folder = build(place / family)
        repository = hub / f"models--small--{family}"
        shutil.copytree(folder, repository / "snapshots" / COMMIT)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(COMMIT)
        sources = {"hub": f"small/{family}", "folder": str(folder)}
        for layout in ("safetensors", "ckpt"):
            sources[layout] = str(models.single_file(folder, place / f"{family}.{layout}"))
        for layout, source in sources.items():
            model = replace(inspect_model(str(folder)), name=f"{family}-{layout}", source=source)
            add_entry(own, model)
    changed = DiffusionPipeline.from_pretrained(place / "sd1")
    adapters.lora(changed, own.parent / "loras" / "lora.safetensors")
    adapters.embedding(own.parent / "embeddings" / "embedding.pt", width=16)
    for mode in ("edges", "sketch", "pose", "depth"):
        controls.saved(controls.small_control(changed.unet), own.parent / "controlnets" / mode / f"follows-{mode}")
    return {"EASEL_DATA_DIR": str(data), "HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "EASEL_THREADS": "1"}


def check(environment: Mapping[str, str], *, columns: int = 200) -> subprocess.CompletedProcess[str]:
    """`easel models check` in that environment."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "models", "check"],
        env=os.environ | environment | {"COLUMNS": str(columns)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        run = check(make(Path(folder)))
    sys.stdout.write(run.stdout)
    sys.exit(run.returncode)
