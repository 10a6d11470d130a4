"""What becomes of an upload's bytes."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageDraw

from bot.source import (
    BYTES_LIMIT,
    FORMATS,
    KEPT_SIDE,
    Correction,
    SourceImage,
    read_mask_image,
    read_source_image,
)
from generation import BadPicture, PictureFault, Size

# Damaged files make Pillow warn about what it finds in them.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def scene(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Blue, with a red quarter at the top left."""
    image = Image.new("RGB", (width, height), BLUE)
    ImageDraw.Draw(image).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return image if mode == "RGB" else image.convert(mode)


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> bytes:  # noqa: A002 (Pillow's own word)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def read(data: bytes) -> SourceImage:
    return read_source_image(data, name="upload.png")


def pixels(source: SourceImage) -> Image.Image:
    image = Image.open(io.BytesIO(source.png))
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert image.size == (source.size.width, source.size.height)
    return image


def close(one: object, other: tuple[int, ...], tolerance: int = 6) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def fault_of(data: bytes) -> BadPicture:
    with pytest.raises(BadPicture) as caught:
        read(data)
    assert caught.value.name == "upload.png"
    return caught.value


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_ordinary_picture_is_taken_as_it_is(format: str) -> None:  # noqa: A002
    source = read(file_of(scene(), format, quality=100))
    assert source.size == Size(width=64, height=48)
    assert source.corrections == ()
    image = pixels(source)
    assert close(image.getpixel((8, 8)), RED)
    assert close(image.getpixel((56, 40)), BLUE)


def test_same_upload_gives_the_same_bytes() -> None:
    assert read(file_of(scene())).png == read(file_of(scene())).png


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_upright(format: str, orientation: int) -> None:  # noqa: A002
    undo = [
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ][orientation - 1]
    lying = scene() if undo is None else scene().transpose(undo)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    source = read(file_of(lying, format, exif=exif, quality=100))
    assert source.size == Size(width=64, height=48)
    assert source.corrections == (() if orientation == 1 else (Correction.ROTATED,))
    assert close(pixels(source).getpixel((8, 8)), RED)
    assert close(pixels(source).getpixel((56, 8)), BLUE)


def test_damaged_notes_do_not_spoil_a_picture() -> None:
    assert read(file_of(scene(), exif=b"Exif\0\0MM\0*garbage")).corrections == ()


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF"])
def test_first_frame_of_an_animation_is_used(format: str) -> None:  # noqa: A002
    data = file_of(
        scene(), format, save_all=True, append_images=[Image.new("RGB", (64, 48), WHITE)], lossless=True
    )
    source = read(data)
    assert source.corrections == (Correction.FIRST_FRAME,)
    assert close(pixels(source).getpixel((8, 8)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_becomes_white(mode: str) -> None:
    image = scene(mode="RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: 255 if value > 127 else 0))
    if mode == "LA":
        source = read(file_of(image.convert("LA")))
    else:
        source = read(file_of(image, "TIFF" if mode == "PA" else "PNG"))
    assert source.corrections == (Correction.FLATTENED,)
    assert pixels(source).getpixel((8, 8)) == WHITE
    assert pixels(source).getpixel((56, 40)) != WHITE


def test_transparent_palette_entry_becomes_white() -> None:
    image = scene().quantize(2)
    red = image.getpixel((8, 8))
    for format_ in ("PNG", "GIF"):
        source = read(file_of(image, format_, transparency=red))
        assert source.corrections == (Correction.FLATTENED,)
        assert pixels(source).getpixel((8, 8)) == WHITE
        assert close(pixels(source).getpixel((56, 40)), BLUE)


def test_transparent_colour_becomes_white() -> None:
    source = read(file_of(scene(), transparency=RED))
    assert source.corrections == (Correction.FLATTENED,)
    assert pixels(source).getpixel((8, 8)) == WHITE


def test_what_is_transparent_is_a_mask_too() -> None:
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 16, 48))
    holes = read(file_of(image)).holes
    assert holes is not None
    with Image.open(io.BytesIO(holes)) as mask:
        assert mask.size == image.size
        assert mask.getpixel((8, 24)) == 255
        assert mask.getpixel((40, 24)) == 0
    assert read(file_of(scene())).holes is None


def test_a_mask_is_white_only_where_white_was_painted() -> None:
    painted = Image.new("RGBA", (64, 48), (255, 255, 255, 0))
    painted.paste((255, 255, 255, 255), (32, 0, 64, 48))
    with Image.open(io.BytesIO(read_mask_image(file_of(painted), name="mask.png").png)) as mask:
        assert mask.mode == "L"
        assert mask.getpixel((8, 24)) == 0
        assert mask.getpixel((40, 24)) == 255


@pytest.mark.parametrize("image", [Image.new("L", (64, 48), 90), Image.new("RGBA", (64, 48), (255, 255, 255, 0))])
def test_a_mask_without_white_is_refused(image: Image.Image) -> None:
    with pytest.raises(BadPicture) as refused:
        read_mask_image(file_of(image), name="mask.png")
    assert refused.value.fault is PictureFault.NOTHING_WHITE


def test_opaque_alpha_is_no_correction() -> None:
    assert read(file_of(scene(mode="RGBA"))).corrections == ()


@pytest.mark.parametrize(
    ("mode", "format", "top"),
    [("I;16", "PNG", 65535), ("I;16", "TIFF", 65535), ("I", "TIFF", 65535), ("F", "TIFF", 1.0)],
)
def test_deep_grey_is_scaled_and_not_cut(mode: str, format: str, top: float) -> None:  # noqa: A002
    image = Image.new(mode, (64, 48), top / 2 if mode == "F" else int(top / 2))
    image.paste(top if mode == "F" else int(top), (0, 0, 32, 24))
    source = read(file_of(image, format))
    assert source.corrections == (Correction.REDUCED_DEPTH,)
    assert pixels(source).getpixel((8, 8)) == WHITE
    assert close(pixels(source).getpixel((56, 40)), (128, 128, 128), 1)


def test_sixteen_bit_colour_is_reduced() -> None:
    row = b"\0" + struct.pack(">HHH", 65535, 32768, 0) * 32
    header = struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * 32))
        + chunk(b"IEND", b"")
    )
    source = read(data)
    assert source.corrections == (Correction.REDUCED_DEPTH,)
    assert close(pixels(source).getpixel((8, 8)), (255, 128, 0), 1)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(format: str) -> None:  # noqa: A002
    source = read(file_of(scene(mode="CMYK"), format, quality=100))
    assert source.corrections == (Correction.RECOLOURED,)
    assert close(pixels(source).getpixel((8, 8)), RED)
    assert close(pixels(source).getpixel((56, 40)), BLUE)


def test_lab_keeps_its_colours() -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(scene(), to_lab)
    assert lab is not None
    source = read(file_of(lab, "TIFF"))
    assert source.corrections == (Correction.RECOLOURED,)
    assert close(pixels(source).getpixel((8, 8)), RED, 12)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_fewer_colours_are_nothing_to_tell(mode: str) -> None:
    source = read(file_of(scene(mode=mode)))
    assert source.corrections == ()
    assert pixels(source).convert("L").getextrema()[0] < pixels(source).convert("L").getextrema()[1]


def wide_profile() -> bytes:
    """A matrix profile with red and green exchanged: nobody overlooks that it was used."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    for entry in range(132, 132 + 12 * count, 12):
        if profile[entry : entry + 4] == b"rXYZ":
            profile[entry : entry + 4] = b"gXYZ"
        elif profile[entry : entry + 4] == b"gXYZ":
            profile[entry : entry + 4] = b"rXYZ"
    return bytes(profile)


def test_colour_profile_is_honoured() -> None:
    source = read(file_of(scene(), icc_profile=wide_profile()))
    assert source.corrections == (Correction.RECOLOURED,)
    red, green, _ = pixels(source).getpixel((8, 8))  # type: ignore[misc]
    assert green > red


@pytest.mark.parametrize(
    "profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"no profile at all"]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_colour_profile_without_effect_is_not_told(profile: bytes, mode: str) -> None:
    assert read(file_of(scene(mode=mode), icc_profile=profile)).corrections == ()


@pytest.mark.parametrize(
    ("mode", "format"),
    [("RGB", "PNG"), ("RGB", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "WEBP"), ("I;16", "PNG")],
)
@pytest.mark.parametrize("size", [(2049, 1025), (4200, 2100)])
def test_large_picture_is_shrunk_with_its_proportions(mode: str, format: str, size: tuple[int, int]) -> None:  # noqa: A002
    image = (
        scene(*size).convert("L").convert("F").point(lambda v: v * 257 + 0).convert("I").convert("I;16")
        if (mode == "I;16")
        else scene(*size, mode=mode)
    )
    source = read(file_of(image, format))
    assert source.size == Size(width=KEPT_SIDE, height=KEPT_SIDE // 2)
    assert Correction.SHRUNK in source.corrections
    small = pixels(source)
    expected = scene(KEPT_SIDE, KEPT_SIDE // 2, mode="L" if mode == "I;16" else "RGB").convert("RGB")
    for place in ((500, 300), (1000, 500), (1048, 500), (1000, 524), (2000, 1000), (2000, 20)):
        assert close(small.getpixel(place), expected.getpixel(place), 12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        ((1, 1), PictureFault.TOO_SMALL),
        ((15, 500), PictureFault.TOO_SMALL),
        ((16, 40000), PictureFault.TOO_LONG),
        ((30000, 1000), PictureFault.TOO_LONG),
        ((16, 3000), PictureFault.TOO_NARROW),
        ((13000, 13000), PictureFault.TOO_MANY_PIXELS),
        ((16384, 16384), PictureFault.TOO_MANY_PIXELS),
        ((2**31 - 1, 2**31 - 1), PictureFault.TOO_LONG),
    ],
)
def test_size_is_refused_by_the_header(size: tuple[int, int], fault: PictureFault) -> None:
    error = fault_of(png_header(*size) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert error.fault is fault
    assert error.value == Size(width=size[0], height=size[1])
    assert error.limit is not None


def test_least_and_narrowest_sizes_are_taken() -> None:
    assert read(file_of(scene(16, 16))).size == Size(width=16, height=16)
    assert read(file_of(scene(16, 2048))).size == Size(width=16, height=2048)
    assert read(file_of(scene(32, 4096))).size == Size(width=16, height=2048)


READ_AND_MEASURE = """
import resource, sys
from pathlib import Path
from bot.source import read_source_image
from generation import BadPicture
files = [file.read_bytes() for file in map(Path, sys.argv[1:])]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in files:
    try:
        read_source_image(data, name="")
    except BadPicture as error:
        print(error.fault)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_picture_of_too_many_pixels_takes_no_memory(tmp_path: Path) -> None:
    one_bit = Image.new("1", (13000, 13000))
    files = []
    for format_ in ("PNG", "TIFF", "BMP"):
        files.append(tmp_path / format_)
        files[-1].write_bytes(
            file_of(one_bit, format_, **({"compression": "group4"} if format_ == "TIFF" else {}))
        )
    said = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, *files], check=True, capture_output=True, text=True
    )
    *faults, megabytes = said.stdout.split()
    assert faults == [PictureFault.TOO_MANY_PIXELS] * len(files)
    assert int(megabytes) < 20  # a tenth of what the smallest of them takes when decoded


def test_canvas_that_only_a_webp_header_claims_is_refused() -> None:
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (2**24 - 1).to_bytes(3, "little") * 2
    error = fault_of(b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas)
    assert error.fault is PictureFault.TOO_LONG


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}])
@pytest.mark.parametrize("size", [(64, 48), (300, 17)])
def test_size_of_every_webp_is_read_right(options: dict[str, object], size: tuple[int, int]) -> None:
    assert read(file_of(scene(*size), "WEBP", **options)).size == Size(width=size[0], height=size[1])


def tiff_with_tiles(side: int) -> bytes:
    """64x64 pixels of grey as one deflated tile of `side` by `side`."""
    tile = zlib.compress(bytes(64 * 64))
    entries = [
        (256, 64),
        (257, 64),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, side),
        (323, side),
        (324, 8),
    ]
    entries.append((325, len(tile)))
    start = 8 + len(tile) + len(tile) % 2
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, v) for tag, v in entries
    )
    return struct.pack("<2sHI", b"II", 42, start) + tile.ljust(start - 8, b"\0") + directory + bytes(4)


def test_huge_tiles_of_a_small_tiff_are_refused() -> None:
    assert read(tiff_with_tiles(64)).size == Size(width=64, height=64)
    assert fault_of(tiff_with_tiles(30_000)).fault is PictureFault.BROKEN


def test_endless_scans_of_a_jpeg_are_refused() -> None:
    data = file_of(scene(), "JPEG", progressive=True)
    assert read(data).corrections == ()
    last = data.rindex(b"\xff\xda")
    assert fault_of(data[:last] + data[last:-2] * 200 + data[-2:]).fault is PictureFault.BROKEN


def test_whatever_a_phone_puts_behind_a_jpeg_does_not_count() -> None:
    assert read(file_of(scene(), "JPEG") + b"\xff\xda\0\x02" * 500).corrections == ()


def test_too_many_bytes_are_refused() -> None:
    error = fault_of(file_of(scene()) + bytes(BYTES_LIMIT))
    assert error.fault is PictureFault.TOO_MANY_BYTES
    assert error.limit == BYTES_LIMIT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
        b"<!DOCTYPE html><html><body>not found</body></html>",
        b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"PK\x03\x04" + bytes(64),
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"GIF to you",
        b"P6 64 64 255\n" + bytes(64 * 64 * 3),
    ],
)
def test_what_is_no_picture_is_refused_whatever_its_name(data: bytes) -> None:
    error = fault_of(data)
    assert error.fault is PictureFault.NOT_A_PICTURE
    assert error.limit == FORMATS


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.95])
def test_truncated_picture_is_refused(format: str, kept: float) -> None:  # noqa: A002
    noise = Image.effect_noise((200, 150), 90).convert("RGB")
    data = file_of(noise, format)
    assert fault_of(data[: int(len(data) * kept)]).fault is PictureFault.BROKEN


def test_what_is_hidden_behind_or_in_a_picture_is_not_kept() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody at home"
    data = file_of(scene(), exif=exif, icc_profile=wide_profile()) + b"<script>PK\x03\x04 an archive"
    png = read(data).png
    kinds, position = [], 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kinds.append(png[position + 4 : position + 8])
        position += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


SEEDS = tuple(
    file_of(image, format_, **options)
    for image, format_, options in (
        (scene(), "PNG", {}),
        (scene().quantize(8), "PNG", {"transparency": 0}),
        (scene(), "JPEG", {"icc_profile": wide_profile()}),
        (scene(), "JPEG", {"progressive": True}),
        (scene(mode="CMYK"), "JPEG", {}),
        (scene(mode="RGBA"), "WEBP", {}),
        (scene(), "WEBP", {"save_all": True, "append_images": [scene(mode="L")], "lossless": True}),
        (scene(), "GIF", {"save_all": True, "append_images": [scene(mode="L")]}),
        (scene(), "BMP", {}),
        (scene(), "TIFF", {}),
        (scene(), "TIFF", {"compression": "tiff_lzw"}),
        (scene(mode="CMYK"), "TIFF", {"compression": "tiff_deflate"}),
    )
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=6),
    st.none() | st.integers(0, 4000),
)
def test_damaged_picture_is_taken_or_refused_and_nothing_else(
    data: bytes, changes: list[tuple[int, bytes]], cut: int | None
) -> None:
    damaged = bytearray(data)
    for place, patch in changes:
        damaged[place % len(data) : place % len(data) + len(patch)] = patch
    try:
        source = read(bytes(damaged[:cut]))
    except BadPicture:
        return
    assert pixels(source).size


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b""]), st.binary())
def test_arbitrary_bytes_are_refused_and_nothing_else(signature: bytes, data: bytes) -> None:
    assert fault_of(signature + data).fault


def test_nothing_is_left_behind_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read(file_of(scene()))
    assert list(tmp_path.iterdir()) == []
