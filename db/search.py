"""Finding generations: pages of them, by words and other filters, and the filters that buttons come back to."""

import unicodedata
from dataclasses import dataclass

import aiosqlite

from db.generations import GenerationRow, read

_KEPT = 100  # filters of one member; older ones are forgotten


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which generations to find; each field narrows them."""

    member_id: int  # who asked for them
    public_in: int | None = None  # only what is not private in this guild; None for all of the member's
    words: str = ""  # all stand in the prompt, typed or drawn, or the negative one; the last perhaps only begun
    starred_by: int | None = None
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Where a page begins: at the generation next to `number`, that one not included."""

    older: bool
    number: int


async def page(
    connection: aiosqlite.Connection, wanted: Wanted, *, turn: Turn | None = None, limit: int
) -> list[tuple[int, GenerationRow]]:
    """Up to `limit` generations with pictures, each with its number, newest first; without a turn the newest."""
    if wanted.words and not searchable(wanted.words):
        return []
    older = turn is None or turn.older
    source = _source(wanted)
    found: list[tuple[int, GenerationRow]] = []
    number: int | None = _LAST if turn is None else turn.number
    stars = _STARS_AT_FIRST
    while number is not None and len(found) < limit:
        until = await _until(connection, wanted, number, older=older, stars=stars)
        rows = await connection.execute_fetchall(
            f"""
            SELECT generations.* FROM {source.format(beyond="<" if older else ">", within=">=" if older else "<=")}
                AND generations.member_id = :member_id
                AND (:public_in IS NULL OR (generations.guild_id = :public_in AND NOT generations.private))
                AND (:model IS NULL OR generations.model = :model)
                AND EXISTS (SELECT 1 FROM pictures WHERE generation_id = generations.id)
            ORDER BY {_NUMBERS[source]} {"DESC" if older else "ASC"}
            LIMIT :limit
            """,  # noqa: S608  (nothing but pieces of this module)
            {
                "member_id": wanted.member_id,
                "public_in": wanted.public_in,
                "model": wanted.model,
                "starred_by": wanted.starred_by,
                "words": bool(wanted.words),
                "match": _match(wanted),
                "number": number,
                "until": (0 if older else _LAST) if until is None else until,
                "limit": limit - len(found),
            },
        )
        found += [(row["number"], read(row)) for row in rows]
        number = until
        stars *= 4
    return found if older else found[::-1]


async def _until(
    connection: aiosqlite.Connection, wanted: Wanted, number: int, *, older: bool, stars: int
) -> int | None:
    """How far to look at once for words among stars: so many stars on from `number`; None is to the end.

    A common word is in thousands of rows, and most pages are full after a few stars; a rare one is found in few
    steps, as each goes further than the one before.
    """
    if wanted.starred_by is None or not wanted.words:
        return None
    rows = await connection.execute_fetchall(
        f"""
        SELECT number FROM stars WHERE member_id = :starred_by AND number {"<" if older else ">"} :number
        ORDER BY number {"DESC" if older else "ASC"} LIMIT 1 OFFSET :stars
        """,  # noqa: S608  (nothing but pieces of this module)
        {"starred_by": wanted.starred_by, "number": number, "stars": stars - 1},
    )
    return next((until for (until,) in rows), None)


def searchable(text: str) -> bool:
    """Whether there is a word in `text`: a letter, a digit or a symbol such as an emoji."""
    return any(map(_is_word, text))


async def remember(
    connection: aiosqlite.Connection, key: str, *, member_id: int, filter_json: str, used_at: float
) -> None:
    """Keep a filter that buttons come back to by its key; of each member the last hundred are kept."""
    await connection.execute_fetchall(
        """
        INSERT INTO searches (key, member_id, filter, used_at) VALUES (:key, :member_id, :filter, :used_at)
        ON CONFLICT (key) DO UPDATE SET used_at = excluded.used_at
        """,
        {"key": key, "member_id": member_id, "filter": filter_json, "used_at": used_at},
    )
    await connection.execute_fetchall(
        """
        DELETE FROM searches WHERE key IN (
            SELECT key FROM searches WHERE member_id = :member_id ORDER BY used_at DESC LIMIT -1 OFFSET :kept
        )
        """,
        {"member_id": member_id, "kept": _KEPT},
    )


async def recollect(connection: aiosqlite.Connection, key: str, *, member_id: int) -> str | None:
    """A member's filter as it was given to `remember`, or None where it is forgotten."""
    rows = await connection.execute_fetchall(
        "SELECT filter FROM searches WHERE key = :key AND member_id = :member_id",
        {"key": key, "member_id": member_id},
    )
    return next((row["filter"] for row in rows), None)


# Each walks one index in the order of the numbers, so that it ends as soon as the page is full. CROSS JOIN keeps
# SQLite from choosing another order.
_OF_MEMBER = "generations WHERE generations.number {beyond} :number"
_IN_INDEX = """
    generations_search CROSS JOIN generations ON generations.number = generations_search.rowid
    WHERE generations_search MATCH :match AND generations_search.rowid {beyond} :number
"""
_AMONG_STARS = """
    stars CROSS JOIN generations ON generations.number = stars.number
    WHERE stars.member_id = :starred_by AND stars.number {beyond} :number AND stars.number {within} :until AND (
        NOT :words OR stars.number IN (
            SELECT rowid FROM generations_search
            WHERE generations_search MATCH :match AND rowid {beyond} :number AND rowid {within} :until
        )
    )
"""
_NUMBERS = {
    _OF_MEMBER: "generations.number",
    _IN_INDEX: "generations_search.rowid",
    _AMONG_STARS: "stars.number",
}
_LAST = 2**63 - 1
_STARS_AT_FIRST = 32


def _source(wanted: Wanted) -> str:
    """What is walked: the narrowest that has an index."""
    if wanted.starred_by is not None:
        return _AMONG_STARS
    if wanted.words or wanted.model is not None or wanted.public_in is not None:
        return _IN_INDEX
    return _OF_MEMBER


def _match(wanted: Wanted) -> str:
    """The filter in FTS5's own language, in which every text of a member is a quoted string."""
    parts = [f'member_id : "{wanted.member_id}"']
    if wanted.public_in is not None:
        parts.append(f'guild_id : "{wanted.public_in}" AND private : "0"')
    if wanted.model is not None and searchable(wanted.model):
        parts.append(f"model : {_quoted(wanted.model)}")
    words = dict.fromkeys(filter(searchable, wanted.words.split()))
    if words:
        # Strings beside one another rather than joined by AND: one that SQLite finds no word in is passed over.
        parts.append(f"{{prompt negative_prompt drawn_as}} : ({' '.join(map(_quoted, words))} *)")
    return " AND ".join(parts)


def _quoted(word: str) -> str:
    """A string of FTS5's language; what SQLite ends a text at, or does not take at all, separates words."""
    plain = "".join(" " if unicodedata.category(each) in {"Cc", "Cs"} else each for each in word)
    return '"' + plain.replace('"', '""') + '"'


def _is_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LN" or category in {"Co", "So"}
