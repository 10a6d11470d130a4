-- Every generation gets a number, in the order in which they were accepted: what pages of the history go by, and
-- the row of the full-text index, which a VACUUM would otherwise renumber. The index reads its texts from
-- `generations` and is kept by triggers. Whose a generation is, where, whether it is private and its model are
-- indexed as words too, so that a page is found by walking the index backwards, however many rows match.

CREATE TABLE generations_numbered (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    member_id INTEGER NOT NULL,
    guild_id INTEGER,
    channel_id INTEGER,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    age_restricted INTEGER NOT NULL CHECK (age_restricted IN (0, 1)),
    parent_id TEXT REFERENCES generations (id) ON DELETE SET NULL,
    prompt TEXT NOT NULL,
    negative_prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    num_inference_steps INTEGER NOT NULL,
    guidance_scale REAL NOT NULL,
    scheduler TEXT NOT NULL,
    strength REAL,
    seed INTEGER NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    source TEXT,
    source_given INTEGER NOT NULL CHECK (source_given IN (0, 1)),
    recipe TEXT NOT NULL CHECK (json_valid(recipe)),
    created_at REAL NOT NULL
) STRICT;
INSERT INTO generations_numbered (
    id, member_id, guild_id, channel_id, private, age_restricted, parent_id, prompt, negative_prompt, model,
    width, height, num_inference_steps, guidance_scale, scheduler, strength, seed, source, source_given, recipe,
    created_at
)
SELECT
    id, member_id, guild_id, channel_id, private, age_restricted, parent_id, prompt, negative_prompt, model,
    width, height, num_inference_steps, guidance_scale, scheduler, strength, seed, source, source_given, recipe,
    created_at
FROM generations ORDER BY created_at, id;
DROP TABLE generations;
ALTER TABLE generations_numbered RENAME TO generations;
CREATE INDEX generations_of_member ON generations (member_id, number);
CREATE INDEX generations_by_parent ON generations (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX generations_by_source ON generations (source) WHERE source IS NOT NULL;

ALTER TABLE stars ADD COLUMN number INTEGER;
UPDATE stars SET number = (SELECT number FROM generations WHERE id = stars.generation_id);
CREATE INDEX stars_of_member ON stars (member_id, number);

-- Symbols are words as well, so that 🐈 can be looked for.
CREATE VIRTUAL TABLE generations_search USING fts5 (
    member_id, guild_id, private, model, prompt, negative_prompt,
    content = 'generations', content_rowid = 'number', prefix = '1 2',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
INSERT INTO generations_search (generations_search) VALUES ('rebuild');

CREATE TRIGGER generations_search_insert AFTER INSERT ON generations BEGIN
    INSERT INTO generations_search (rowid, member_id, guild_id, private, model, prompt, negative_prompt)
    VALUES (new.number, new.member_id, new.guild_id, new.private, new.model, new.prompt, new.negative_prompt);
END;

-- From 3.42 on SQLite takes deleted words out of the index at once; for an older one `db.generations.settle` does.
CREATE TRIGGER generations_search_delete AFTER DELETE ON generations BEGIN
    INSERT INTO generations_search (generations_search, rank)
    SELECT 'secure-delete', 1 WHERE sqlite_version() >= '3.42';
    INSERT INTO generations_search (
        generations_search, rowid, member_id, guild_id, private, model, prompt, negative_prompt
    ) VALUES (
        'delete', old.number, old.member_id, old.guild_id, old.private, old.model, old.prompt, old.negative_prompt
    );
END;

CREATE TRIGGER generations_search_update
AFTER UPDATE OF number, member_id, guild_id, private, model, prompt, negative_prompt ON generations BEGIN
    INSERT INTO generations_search (generations_search, rank)
    SELECT 'secure-delete', 1 WHERE sqlite_version() >= '3.42';
    INSERT INTO generations_search (
        generations_search, rowid, member_id, guild_id, private, model, prompt, negative_prompt
    ) VALUES (
        'delete', old.number, old.member_id, old.guild_id, old.private, old.model, old.prompt, old.negative_prompt
    );
    INSERT INTO generations_search (rowid, member_id, guild_id, private, model, prompt, negative_prompt)
    VALUES (new.number, new.member_id, new.guild_id, new.private, new.model, new.prompt, new.negative_prompt);
END;

-- What a page of the history shows, for its buttons: a button's id is too short for the text of a search.
CREATE TABLE searches (
    key TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL,
    filter TEXT NOT NULL CHECK (json_valid(filter)),
    used_at REAL NOT NULL
) STRICT;
CREATE INDEX searches_of_member ON searches (member_id, used_at);
