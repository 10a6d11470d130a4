"""Previews: what a picture is going to look like, seen between two of its steps, at next to no cost."""

import functools
import io
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers import AutoencoderTiny
from PIL import Image

from generation.errors import ModelUnavailable
from generation.model import Model
from generation.worker import loading
from generation.worker.noise import put_on
from generation.worker.placement import Placement

log = logging.getLogger(__name__)

SIDE = 192  # pixels of a preview's longer side
SHARE = 0.015  # of the time of drawing that previews may take
_DECODED = 32  # latents of the longer side that a small decoder is given: more of them are not seen at that size
_QUALITY = 80  # of its JPEG

Sketch = Callable[[torch.Tensor], Image.Image]  # from latents (1, channels, height, width), of any size

# What each latent channel has of red, green and blue, and what is added to their sums, by the scaling factor of
# the autoencoder: that tells whose latents they are. Measured by the makers of ComfyUI (comfy/latent_formats.py);
# storybook's by least squares over its own pictures, each shrunk to a pixel a latent.
_FACTORS: Mapping[float, tuple[tuple[tuple[float, float, float], ...], tuple[float, float, float]]] = {
    1.0: (  # storybook
        (
            (-0.3937, -0.1298, 0.0617),
            (-0.2333, -0.2232, -0.3896),
            (-0.0478, -0.2537, -0.1899),
            (-0.0667, -0.1319, 0.0744),
        ),
        (0.1611, 0.1745, 0.1619),
    ),
    0.18215: (  # Stable Diffusion 1 and 2
        (
            (0.3512, 0.2297, 0.3227),
            (0.3250, 0.4974, 0.2350),
            (-0.2829, 0.1762, 0.2721),
            (-0.2120, -0.2616, -0.7177),
        ),
        (0.0, 0.0, 0.0),
    ),
    0.13025: (  # Stable Diffusion XL
        (
            (0.3651, 0.4232, 0.4341),
            (-0.2533, -0.0042, 0.1068),
            (0.1076, 0.1111, -0.0362),
            (-0.3165, -0.2492, -0.2188),
        ),
        (0.1084, -0.0175, -0.0011),
    ),
    1.5305: (  # Stable Diffusion 3
        (
            (-0.0922, -0.0175, 0.0749),
            (0.0311, 0.0633, 0.0954),
            (0.1994, 0.0927, 0.0458),
            (0.0856, 0.0339, 0.0902),
            (0.0587, 0.0272, -0.0496),
            (-0.0006, 0.1104, 0.0309),
            (0.0978, 0.0306, 0.0427),
            (-0.0042, 0.1038, 0.1358),
            (-0.0194, 0.0020, 0.0669),
            (-0.0488, 0.0130, -0.0268),
            (0.0922, 0.0988, 0.0951),
            (-0.0278, 0.0524, -0.0542),
            (0.0332, 0.0456, 0.0895),
            (-0.0069, -0.0030, -0.0810),
            (-0.0596, -0.0465, -0.0293),
            (-0.1448, -0.1463, -0.1189),
        ),
        (0.2394, 0.2135, 0.1925),
    ),
    0.3611: (  # FLUX
        (
            (-0.0346, 0.0244, 0.0681),
            (0.0034, 0.0210, 0.0687),
            (0.0275, -0.0668, -0.0433),
            (-0.0174, 0.0160, 0.0617),
            (0.0859, 0.0721, 0.0329),
            (0.0004, 0.0383, 0.0115),
            (0.0405, 0.0861, 0.0915),
            (-0.0236, -0.0185, -0.0259),
            (-0.0245, 0.0250, 0.1180),
            (0.1008, 0.0755, -0.0421),
            (-0.0515, 0.0201, 0.0011),
            (0.0428, -0.0012, -0.0036),
            (0.0817, 0.0765, 0.0749),
            (-0.1264, -0.0522, -0.1103),
            (-0.0280, -0.0881, -0.0499),
            (-0.1262, -0.0982, -0.0778),
        ),
        (-0.0329, -0.0718, -0.0851),
    ),
}


def estimate(scheduler: Any, output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    """The latents that the network takes for the finished picture, by its `output` for `sample`; in fp32.

    How much of picture and noise is in `sample` is asked of the scheduler by having it put noise on nothing and
    nothing on a picture, since all of them can do that, and no two keep their numbers in the same way.
    """
    seen, said, at = sample.float(), output.float(), timestep.reshape(1)
    whole, nothing = torch.ones_like(seen), torch.zeros_like(seen)
    picture, noise = put_on(whole, nothing, scheduler, at), put_on(nothing, whole, scheduler, at)
    match scheduler.config.get("prediction_type", "flow_prediction"):
        case "epsilon":
            return (seen - noise * said) / picture
        case "v_prediction":
            length = torch.hypot(picture, noise)
            return (picture * seen - length * noise * said) / length**2
        case "sample":
            return said
        case _:  # of rectified flows
            return seen - noise * said


class Sketchers:
    """How the latents of each model become small pictures; what a model brings along for it is read once."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._own: dict[Model, AutoencoderTiny | None] = {}

    def of(self, model: Model, pipeline: Any, decoder: Any | None) -> Sketch | None:
        """By a small decoder, that in the model's folder or the `decoder` that it is used with, or a linear map.

        On a CPU the map comes first, as even a small decoder takes as long as it may take in many seconds of
        drawing. None where there is neither.
        """
        if model not in self._own:
            self._own[model] = self._read(model)
        small = self._own[model]
        small = decoder if small is None else small
        config = pipeline.vae.config
        factors, bias = _FACTORS.get(config.scaling_factor, ((), ()))
        by_map = functools.partial(_mapped, factors, bias) if len(factors) == config.latent_channels else None
        by_decoder = None if small is None else functools.partial(_decoded, small)
        sketches = (by_map, by_decoder) if self._placement.device.type == "cpu" else (by_decoder, by_map)
        return next((sketch for sketch in sketches if sketch is not None), None)

    def _read(self, model: Model) -> AutoencoderTiny | None:
        try:
            decoder = loading.preview_decoder(model, loading.locate(model), self._placement.dtype)
        except ModelUnavailable as error:
            log.warning("previews of %s are made without its own decoder: %s", model.name, error.reason)
            return None
        return None if decoder is None else decoder.to(self._placement.device)


def _decoded(decoder: Any, latents: torch.Tensor) -> Image.Image:
    scale = _DECODED / max(latents.shape[-2:])
    if scale < 1:
        latents = torch.nn.functional.interpolate(latents, scale_factor=scale, mode="area")
    weights = next(decoder.parameters())
    return _image(decoder.decode(latents.to(weights.device, weights.dtype), return_dict=False)[0])


def _mapped(factors: Any, bias: Any, latents: torch.Tensor) -> Image.Image:
    colours = torch.einsum("bchw,cr->brhw", latents, latents.new_tensor(factors))
    return _image(colours + latents.new_tensor(bias).view(1, 3, 1, 1))


def _image(pixels: torch.Tensor) -> Image.Image:
    """A picture from (1, 3, height, width), -1 to 1, as large as a preview is."""
    bytes_ = ((pixels[0].float().nan_to_num() + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    image = Image.fromarray(bytes_)
    scale = SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


class Previews:
    """The previews of one job after the other: never more than a small share of the time of drawing.

    What a preview takes is owed, and is paid back by drawing; as long as something is owed, there is none.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tell: Callable[[bytes], None] | None = None
        self._every = 0.0
        self._owed = 0.0
        self._last = self._paid = 0.0

    def begin(self, tell: Callable[[bytes], None], *, every: float | None) -> None:
        """A job begins: `tell` gets its previews, JPEGs, one in `every` seconds at most, none if that is None."""
        self._tell = None if every is None else tell
        self._every = 0.0 if every is None else every
        self._last = self._paid = self._clock()

    def watch(self, scheduler: Any, unpack: Callable[[torch.Tensor], torch.Tensor], sketch: Sketch) -> None:
        """Have the steps that `scheduler` takes looked at; of several pictures in them, the first one is shown.

        `unpack` gives latents (pictures, channels, height, width) for those that the scheduler works on.
        """
        step = scheduler.step

        # wraps: pipelines look into the signature to see which arguments a scheduler takes
        @functools.wraps(step)
        def watched(output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor, **options: Any) -> Any:
            # Between the halves of a step of second order, what has been computed is no estimate yet.
            if self._due() and getattr(scheduler, "state_in_first_order", True):
                self._show(lambda: unpack(estimate(scheduler, output, timestep, sample)), sketch)
            return step(output, timestep, sample, **options)

        scheduler.step = watched

    def _due(self) -> bool:
        now = self._clock()
        self._owed = max(0.0, self._owed - SHARE * (now - self._paid))
        self._paid = now
        return self._tell is not None and self._owed == 0 and now - self._last >= self._every

    def _show(self, look: Callable[[], torch.Tensor], sketch: Sketch) -> None:
        if self._tell is None:
            return
        try:
            latents = look()[:1].cpu()  # which also waits for a device that is still busy with the step
            started = self._clock()
            file = io.BytesIO()
            sketch(latents).save(file, "JPEG", quality=_QUALITY)
        except Exception:
            # No preview is a reason to lose the picture.
            log.exception("there are no more previews of this picture")
            self._tell = None
            return
        self._tell(file.getvalue())
        self._last = self._paid = self._clock()
        self._owed = self._last - started
