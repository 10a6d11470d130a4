-- A search finds words as they were typed, and now also as they were drawn: what a choice came to, and what a style
-- put around them. They stand in the recipe, up to four pictures of it; the column only reads them there.

ALTER TABLE generations ADD COLUMN drawn_as TEXT GENERATED ALWAYS AS (
    CASE WHEN json_valid(recipe) THEN
        coalesce(recipe ->> '$.words[0].prompt', '') || ' ' || coalesce(recipe ->> '$.words[1].prompt', '') || ' ' ||
        coalesce(recipe ->> '$.words[2].prompt', '') || ' ' || coalesce(recipe ->> '$.words[3].prompt', '')
    END
) VIRTUAL;

DROP TRIGGER generations_search_insert;
DROP TRIGGER generations_search_delete;
DROP TRIGGER generations_search_update;
DROP TABLE generations_search;
CREATE VIRTUAL TABLE generations_search USING fts5 (
    member_id, guild_id, private, model, prompt, negative_prompt, drawn_as,
    content = 'generations', content_rowid = 'number', prefix = '1 2',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
INSERT INTO generations_search (generations_search) VALUES ('rebuild');

CREATE TRIGGER generations_search_insert AFTER INSERT ON generations BEGIN
    INSERT INTO generations_search (rowid, member_id, guild_id, private, model, prompt, negative_prompt, drawn_as)
    VALUES (
        new.number, new.member_id, new.guild_id, new.private, new.model, new.prompt, new.negative_prompt, new.drawn_as
    );
END;

-- From 3.42 on SQLite takes deleted words out of the index at once; for an older one `db.generations.settle` does.
CREATE TRIGGER generations_search_delete AFTER DELETE ON generations BEGIN
    INSERT INTO generations_search (generations_search, rank)
    SELECT 'secure-delete', 1 WHERE sqlite_version() >= '3.42';
    INSERT INTO generations_search (
        generations_search, rowid, member_id, guild_id, private, model, prompt, negative_prompt, drawn_as
    ) VALUES (
        'delete', old.number, old.member_id, old.guild_id, old.private, old.model, old.prompt, old.negative_prompt,
        old.drawn_as
    );
END;

-- Every recipe is written again once it is drawn, with other things in it than words.
CREATE TRIGGER generations_search_update
AFTER UPDATE OF number, member_id, guild_id, private, model, prompt, negative_prompt, recipe ON generations
WHEN (
    old.number, old.member_id, old.guild_id, old.private, old.model, old.prompt, old.negative_prompt, old.drawn_as
) IS NOT (
    new.number, new.member_id, new.guild_id, new.private, new.model, new.prompt, new.negative_prompt, new.drawn_as
) BEGIN
    INSERT INTO generations_search (generations_search, rank)
    SELECT 'secure-delete', 1 WHERE sqlite_version() >= '3.42';
    INSERT INTO generations_search (
        generations_search, rowid, member_id, guild_id, private, model, prompt, negative_prompt, drawn_as
    ) VALUES (
        'delete', old.number, old.member_id, old.guild_id, old.private, old.model, old.prompt, old.negative_prompt,
        old.drawn_as
    );
    INSERT INTO generations_search (rowid, member_id, guild_id, private, model, prompt, negative_prompt, drawn_as)
    VALUES (
        new.number, new.member_id, new.guild_id, new.private, new.model, new.prompt, new.negative_prompt, new.drawn_as
    );
END;
