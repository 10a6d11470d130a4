"""What a member asked for, before the holes are filled."""

from dataclasses import dataclass

from generation.errors import EmptyText, OutOfRange, TooLong
from generation.mode import Direction, Margins, Mode
from generation.styles import Style

PROMPT_LIMIT = 1500  # characters; a Discord embed and a modal field both hold it
SEED_LIMIT = 2**32  # seeds are 0 to SEED_LIMIT - 1, as torch's CPU generator and other programs take them
COUNT_LIMIT = 4
UPSCALE_LIMIT = 4.0  # times the source's sides
TURNS_LIMIT = 100  # of one noise: neighbours of neighbours, each chosen by somebody
CLIP_SKIP_LIMIT = 12  # layers of the text encoder of Stable Diffusion 1.x


@dataclass(frozen=True, kw_only=True)
class Request:
    """A validated wish; None is a hole that the model's and the member's defaults fill.

    `style` is the name of one, or the one that a recipe has recorded. `size` is as typed ("512x512", "16:9",
    "portrait"): what it means depends on the model. `source` is the SHA-256 of a stored source image. The first
    picture is drawn from `seed`, the next from `seed` + 1, and so on.
    `mode` is a hole where what was given decides. `mask` is a stored picture too: white is drawn anew. Outpainting
    grows in a `direction`, or by the `margins` of an earlier picture of the same `size`. With `variation` all
    pictures have one `seed`, and each its own variation seed, counted from `variation_seed`.
    Bounds that depend on the model are checked when the recipe is made.

    Raises EmptyText, TooLong or OutOfRange.
    """

    prompt: str
    negative_prompt: str | None = None
    model: str | None = None
    style: str | Style | None = None
    size: str | None = None
    count: int | None = None
    source: str | None = None
    strength: float | None = None  # 0.0 keeps the source, 1.0 ignores it
    mode: Mode | None = None
    mask: str | None = None
    direction: Direction | None = None
    margins: Margins | None = None
    scale: float | None = None  # of upscaling, 1 to 4
    blend: float | None = None  # 0.0 is the left one of two pictures, 1.0 the right one
    variation: float | None = None  # 0.0 is the same picture, 1.0 that of `variation_seed`
    variation_seed: int | None = None
    turned: tuple[tuple[int, float], ...] | None = None  # seeds that it was varied towards before, and how far
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    seed: int | None = None
    control: str | None = None  # a ControlNet; where it is not there, another that does the same is taken
    clip_skip: int | None = None  # 1 takes the text encoder's last layer, 2 the one before it

    def __post_init__(self) -> None:
        if not self.prompt.strip() and (self.mode is None or not self.mode.wordless):
            raise EmptyText
        for argument, text in (("prompt", self.prompt), ("negative_prompt", self.negative_prompt)):
            if text is not None and len(text) > PROMPT_LIMIT:
                raise TooLong(argument, length=len(text), limit=PROMPT_LIMIT)
        _check("count", self.count, 1, COUNT_LIMIT)
        _check("strength", self.strength, 0.0, 1.0)
        _check("scale", self.scale, 1.0, UPSCALE_LIMIT)
        _check("blend", self.blend, 0.0, 1.0)
        _check("variation", self.variation, 0.0, 1.0)
        _check("variation_seed", self.variation_seed, 0, SEED_LIMIT - 1)
        _check("variations of variations", len(self.turned or ()), 0, TURNS_LIMIT)
        for seed, amount in self.turned or ():
            _check("variation_seed", seed, 0, SEED_LIMIT - 1)
            _check("variation", amount, 0.0, 1.0)
        _check("clip_skip", self.clip_skip, 1, CLIP_SKIP_LIMIT)
        _check("seed", self.seed, 0, SEED_LIMIT - 1)


def _check(argument: str, value: float | None, minimum: float, maximum: float) -> None:
    # Written so that NaN, which compares false with everything, is refused too.
    if value is not None and not minimum <= value <= maximum:
        raise OutOfRange(argument, value, minimum=minimum, maximum=maximum)
