"""The files of pictures: what was drawn, and the source images that were given."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bot.errors import NotFound


class Pictures:
    """Two folders under `folder`: `drawn/` by generation, `sources/` by the SHA-256 of their content."""

    def __init__(self, folder: Path) -> None:
        self.drawn = folder / "drawn"
        self.sources = folder / "sources"
        for made in (self.drawn, self.sources):
            made.mkdir(parents=True, exist_ok=True)

    def file(self, relative: str) -> Path:
        """Where a drawn picture lies that is recorded as `relative`."""
        return self.drawn / relative

    def source_file(self, sha256: str) -> Path:
        """Where the source image lies whose content has this hash."""
        return self.sources / f"{sha256}.png"

    def make_sure(self, sources: Iterable[str]) -> None:
        """Raises NotFound for a source image that is not here, or not any more."""
        for sha256 in sources:
            if not self.source_file(sha256).exists():
                raise NotFound("source", sha256)

    async def keep_source(self, png: bytes) -> str:
        """Store checked bytes once, durably; returns their SHA-256. Raises OSError."""
        return await asyncio.to_thread(self._keep_source, png)

    def _keep_source(self, png: bytes) -> str:
        sha256 = hashlib.sha256(png).hexdigest()
        target = self.source_file(sha256)
        if not target.exists():
            with tempfile.NamedTemporaryFile(dir=self.sources, suffix=".part", delete=False) as part:
                try:
                    part.write(png)
                    part.flush()
                    os.fsync(part.fileno())
                except OSError:
                    Path(part.name).unlink()
                    raise
            Path(part.name).replace(target)
        return sha256

    def remove(self, relatives: Iterable[str], *, source: str | None = None) -> None:
        """Remove drawn pictures and a source image; what is gone already does not matter."""
        for relative in relatives:
            self.file(relative).unlink(missing_ok=True)
        if source is not None:
            self.source_file(source).unlink(missing_ok=True)
