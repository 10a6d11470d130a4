"""What puts pictures into words: a captioner in a transformers folder, read, asked several times, let go."""

import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoTokenizer

from generation.captions import prompts
from generation.download import size_on_disk
from generation.errors import ModelUnavailable
from generation.folders import check_vocabulary
from generation.worker.detectors import load, unreadable
from generation.worker.memory import is_out_of_memory
from generation.worker.reading import FAULTS

log = logging.getLogger(__name__)

_TOKENS = 30  # of a caption, at most
_BEAMS = 4
_BESIDE = 500e6  # bytes that looking and finding words take beside the weights
_SAMPLED = 6  # besides the likeliest; some of them say the same
_PROBABLE = 0.9  # of all that could be the next word, what is chosen from
_SEED = 7  # so that a picture is described alike each time


def room_for(folder: Path) -> float:
    """The bytes that the captioner in `folder` takes."""
    return size_on_disk(folder) + _BESIDE


def describe(folder: Path, picture: bytes, device: torch.device) -> tuple[str, ...]:
    """What the `picture`, a file, shows: the likeliest caption first. Raises Unfit.

    Where the device has no room, it is done on the processor.
    """
    with Image.open(BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    try:
        return prompts(_captions(folder, image, device))
    except Exception as error:
        if device.type == "cpu" or not is_out_of_memory(error):
            raise
    log.warning("no room on %s to describe a picture, so the processor does it", device)
    return prompts(_captions(folder, image, torch.device("cpu")))


@torch.inference_mode()
def _captions(folder: Path, image: Image.Image, device: torch.device) -> list[str]:
    model, processor = load(folder.name, folder, device)
    try:
        check_vocabulary(folder.name, folder)  # transformers makes an empty tokenizer where there is none
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (*FAULTS, ImportError, RuntimeError, ModelUnavailable) as error:
        log.warning("loading %s", folder, exc_info=True)
        raise unreadable(folder.name) from error
    pixels = processor(image, return_tensors="pt").pixel_values.to(device)
    likeliest = model.generate(
        pixel_values=pixels, num_beams=_BEAMS, do_sample=False, no_repeat_ngram_size=3, max_new_tokens=_TOKENS
    )
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        sampled = model.generate(
            pixel_values=pixels,
            do_sample=True,
            top_p=_PROBABLE,
            num_return_sequences=_SAMPLED,
            no_repeat_ngram_size=3,
            max_new_tokens=_TOKENS,
        )
    tokens = [*likeliest, *sampled]
    return [str(tokenizer.decode(each, skip_special_tokens=True)) for each in tokens]
