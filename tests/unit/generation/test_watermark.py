"""The hidden watermark: read from every picture that bears it, and from no other."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from generation import Family
from generation.watermark import SHORTEST_SIDE, THRESHOLD, Watermark, find_watermark, mark, watermark_of

TEXTS = {
    Watermark.SD1: b"StableDiffusionV1",
    Watermark.SD2: b"SDV2",
    Watermark.SDXL: bytes.fromhex("b3ec907bb19e"),
}


def noise(side: int, seed: int, blur: float) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(blur))


def flat(side: int, seed: int) -> Image.Image:
    """White, black and plain colours, as in a drawing: what has no room for more blue is the hardest."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for colour in ["black", "red", "#7fb8d8", "#fff2a8", "#1e4f91"]:
        left, top = (int(value) for value in random.integers(0, side * 3 // 4, 2))
        draw.ellipse((left, top, left + side // 3, top + side // 4), fill=colour)
    return image


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def found(image: Image.Image) -> Watermark | None:
    trace = find_watermark(image)
    return None if trace is None else trace.watermark


@pytest.mark.parametrize("watermark", Watermark)
@pytest.mark.parametrize("size", [(64, 64), (128, 192), (250, 333)])
def test_an_unchanged_picture_shows_it_beyond_doubt(watermark: Watermark, size: tuple[int, int]) -> None:
    for image in (flat(400, 1), noise(400, 2, 3.0), noise(400, 3, 0.5)):
        trace = find_watermark(mark(image.crop((0, 0, *size)), watermark))
        assert trace is not None
        assert trace.watermark is watermark
        assert trace.score > 2 * THRESHOLD
        assert trace.chance < 1e-9


@pytest.mark.parametrize("watermark", Watermark)
def test_a_jpeg_of_quality_90_shows_it(watermark: Watermark) -> None:
    for image in (flat(256, 4), flat(256, 5), noise(256, 6, 3.0)):
        assert found(as_jpeg(mark(image, watermark), 90)) is watermark


def test_pictures_without_one_show_none() -> None:
    plain = [flat(128, seed) for seed in range(40)] + [noise(128, seed, seed / 10) for seed in range(40)]
    stripes = np.tile(np.repeat([[0, 0, 255], [255, 255, 0]], 8, axis=0).astype(np.uint8), (128, 8, 1))
    plain += [Image.new("RGB", (256, 256), colour) for colour in ("white", "black", "#5577aa")]
    plain += [Image.fromarray(stripes), Image.linear_gradient("L").convert("RGB")]
    assert [found(image) for image in (*plain, *(as_jpeg(image, 90) for image in plain))] == [None] * 2 * len(
        plain
    )


def test_it_can_hardly_be_seen() -> None:
    for image in (flat(256, 7), noise(256, 8, 3.0)):
        before, after = (np.asarray(each).astype(int) for each in (image, mark(image, Watermark.SD1)))
        noise_ratio = 10 * np.log10(255**2 / ((after - before) ** 2).mean())
        assert noise_ratio > 32  # decibels; the package comes to 33 in the first of them


def test_each_family_has_a_text_and_too_small_a_picture_none() -> None:
    picture = Image.new("RGB", (SHORTEST_SIDE, SHORTEST_SIDE))
    assert watermark_of(Family.SD1, picture) is Watermark.SD1
    assert watermark_of(Family.SD2, picture) is Watermark.SD2
    assert watermark_of(Family.SDXL, picture) is Watermark.SDXL
    assert watermark_of(Family.SD1, Image.new("RGB", (SHORTEST_SIDE, SHORTEST_SIDE - 1))) is None
    assert find_watermark(Image.new("RGB", (SHORTEST_SIDE - 1, 512))) is None


@pytest.mark.parametrize("watermark", Watermark)
def test_the_invisible_watermark_package_reads_it_and_is_read(watermark: Watermark) -> None:
    package = pytest.importorskip("imwatermark", reason="it pulls all of OpenCV, so that it is installed by hand")
    text = TEXTS[watermark]
    decoder, encoder = package.WatermarkDecoder("bytes", len(text) * 8), package.WatermarkEncoder()
    encoder.set_watermark("bytes", text)
    for image in (flat(320, 9), noise(320, 10, 3.0)):
        ours = np.asarray(mark(image, watermark))[..., ::-1]
        assert decoder.decode(np.ascontiguousarray(ours), "dwtDct") == text
        theirs = encoder.encode(np.ascontiguousarray(np.asarray(image)[..., ::-1]), "dwtDct")
        assert found(Image.fromarray(np.ascontiguousarray(theirs[..., ::-1]))) is watermark
