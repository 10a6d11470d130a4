"""What is said about uploads: why one is not taken, and what was done to one that is unusual."""

from bot.source import KEPT_SIDE, Correction
from bot.wording.text import choice, shorten
from generation import BadPicture, PictureFault

_CORRECTIONS = {
    Correction.FIRST_FRAME: "Of your animation I took the first frame.",
    Correction.ROTATED: "I turned your picture upright, as its camera noted.",
    Correction.SHRUNK: f"I scaled your picture down to {KEPT_SIDE:,} pixels on its longer side.",
    Correction.REDUCED_DEPTH: "I reduced your picture to 8 bits a channel.",
    Correction.RECOLOURED: "I converted your picture's colours to sRGB.",
    Correction.FLATTENED: "I put white behind the transparent parts of your picture.",
    Correction.OPENED: "What is transparent in your picture is drawn anew.",
}


def corrected(correction: Correction) -> str:
    """What was done to an unusual but valid upload, as one sentence."""
    return _CORRECTIONS[correction]


def bad_picture(error: BadPicture) -> str:  # noqa: C901, PLR0911, PLR0912  (one return a fault)
    """Why an upload cannot be taken, and what could be."""
    name = shorten(error.name, 60) if error.name else "The attachment"
    value, limit = error.value, error.limit
    match error.fault:
        case PictureFault.NOT_A_PICTURE:
            formats = choice(limit) if isinstance(limit, tuple) else "PNG, JPEG, WebP or GIF"
            return f"{name} is no picture that I can read: attach one as {formats}."
        case PictureFault.BROKEN:
            return f"{name} is damaged or incomplete: save the picture again and attach the new file."
        case PictureFault.TOO_MANY_BYTES:
            return f"{name} has {_megabytes(value)} and at most {_megabytes(limit)} fit: attach a smaller file."
        case PictureFault.TOO_MANY_PIXELS:
            return f"{name} has {value} pixels and at most {_megapixels(limit)} fit: scale it down first."
        case PictureFault.TOO_LONG:
            return f"{name} has {value} pixels and no side may be over {_count(limit)}: scale it down first."
        case PictureFault.TOO_SMALL:
            return f"{name} has {value} pixels and no side may be under {_count(limit)}: attach a larger one."
        case PictureFault.TOO_NARROW:
            return f"{name} has {value} pixels, but no side may be over {limit} times the other: crop it first."
        case PictureFault.NOTHING_WHITE:
            return f"{name} has nothing white in it: paint what is to be drawn anew white, and the rest black."
        case PictureFault.OTHER_SHAPE:
            return f"{name} has {value} pixels and its picture {limit}: a mask needs the shape of its picture."
        case PictureFault.TOO_SLOW:
            return f"{name} could not be read within {limit} s: save the picture again as a plain PNG."
        case PictureFault.MISSING if error.name:
            return f"There is no file called {name} that can be read."
        case PictureFault.MISSING:
            return "That message holds no picture: reply to one that does, or attach a picture to yours."
        case PictureFault.UNREACHABLE:
            return f"Discord did not hand {error.name or 'the attachment'} over: please send it again."


def _megabytes(size: object) -> str:
    return f"{size / 2**20:.3g} MB" if isinstance(size, int) else f"{size}"


def _megapixels(pixels: object) -> str:
    return f"{pixels / 1e6:.3g} million" if isinstance(pixels, int) else f"{pixels}"


def _count(pixels: object) -> str:
    return f"{pixels:,}" if isinstance(pixels, int) else f"{pixels}"
