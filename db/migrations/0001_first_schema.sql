-- The first schema: what was asked and drawn, its trip through the queue, what it cost, how it reached its member.
-- Times are seconds since the epoch, members are opaque integers, and an id that is gone is NULL, never 0.

CREATE TABLE generations (
    id TEXT PRIMARY KEY,
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
CREATE INDEX generations_of_member ON generations (member_id, created_at, id);
CREATE INDEX generations_by_parent ON generations (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX generations_by_source ON generations (source) WHERE source IS NOT NULL;

CREATE TABLE pictures (
    generation_id TEXT NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    path TEXT NOT NULL UNIQUE,
    seed INTEGER NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    sha256 TEXT NOT NULL,
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    flagged INTEGER NOT NULL CHECK (flagged IN (0, 1)),
    PRIMARY KEY (generation_id, number)
) STRICT;
CREATE INDEX pictures_by_hash ON pictures (sha256);

CREATE TABLE stars (
    generation_id TEXT NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    member_id INTEGER NOT NULL,
    starred_at REAL NOT NULL,
    PRIMARY KEY (generation_id, member_id)
) STRICT;

CREATE TABLE jobs (
    generation_id TEXT PRIMARY KEY REFERENCES generations (id) ON DELETE CASCADE,
    member_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    cost REAL NOT NULL CHECK (cost >= 0),
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    seconds REAL CHECK (seconds >= 0),
    failure_kind TEXT,
    failure_detail TEXT,
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL))
) STRICT;
CREATE INDEX jobs_unended ON jobs (created_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE allowances (
    member_id INTEGER PRIMARY KEY,
    balance REAL NOT NULL,
    updated_at REAL NOT NULL
) STRICT;

-- No reference to generations: deleting a picture does not give its cost back.
CREATE TABLE charges (
    generation_id TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL,
    amount REAL NOT NULL CHECK (amount >= 0),
    refunded REAL NOT NULL CHECK (refunded BETWEEN 0 AND amount),
    charged_at REAL NOT NULL,
    settled_at REAL
) STRICT;

CREATE TABLE seeds (
    member_id INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    seed INTEGER NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
    generation_id TEXT REFERENCES generations (id) ON DELETE SET NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (member_id, name_key)
) STRICT;
CREATE INDEX seeds_by_generation ON seeds (generation_id) WHERE generation_id IS NOT NULL;

CREATE TABLE deliveries (
    generation_id TEXT PRIMARY KEY REFERENCES generations (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered')),
    route TEXT CHECK (route IN ('channel', 'interaction', 'direct', 'history')),
    application_id INTEGER,
    interaction_token TEXT,
    interaction_expires_at REAL,
    guild_id INTEGER,
    channel_id INTEGER,
    reply_to_message_id INTEGER,
    waiting_message_id INTEGER,
    ephemeral INTEGER NOT NULL CHECK (ephemeral IN (0, 1)),
    message_id INTEGER,
    delivered_at REAL,
    CHECK (state = 'pending' OR interaction_token IS NULL)
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (generation_id) WHERE state = 'pending';

CREATE TABLE rates (
    key TEXT PRIMARY KEY,
    seconds_per_unit REAL NOT NULL CHECK (seconds_per_unit >= 0),
    samples INTEGER NOT NULL CHECK (samples >= 0),
    updated_at REAL NOT NULL
) STRICT;
