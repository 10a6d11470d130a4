-- What the moderators of a server decided: its rules, its roles with their allowances, whom it has blocked, and who did
-- what when. A column named member_id would make a row its member's, to be erased with everything else about them: a
-- block is the server's, so that being forgotten is no way around it, and of the log only the names are forgotten.

CREATE TABLE servers (
    guild_id INTEGER PRIMARY KEY,
    channels TEXT NOT NULL CHECK (json_valid(channels)),
    models TEXT NOT NULL CHECK (json_valid(models)),
    default_model TEXT,
    steps INTEGER CHECK (steps >= 1),
    side INTEGER CHECK (side >= 1),
    words TEXT NOT NULL CHECK (json_valid(words)),
    content_filter TEXT,
    spoiler INTEGER NOT NULL CHECK (spoiler IN (0, 1)),
    showcase INTEGER
) STRICT;

CREATE TABLE server_roles (
    guild_id INTEGER NOT NULL,
    role_id INTEGER NOT NULL,
    seconds REAL CHECK (seconds > 0),
    per_hour REAL CHECK (per_hour >= 0),
    PRIMARY KEY (guild_id, role_id)
) STRICT;

CREATE TABLE server_blocks (
    guild_id INTEGER NOT NULL,
    blocked_id INTEGER NOT NULL,
    reason TEXT,
    blocked_by INTEGER,
    blocked_at REAL NOT NULL,
    PRIMARY KEY (guild_id, blocked_id)
) STRICT;

CREATE TABLE server_log (
    number INTEGER PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    at REAL NOT NULL,
    actor_id INTEGER,
    deed TEXT NOT NULL,
    subject_id INTEGER,
    detail TEXT CHECK (detail IS NULL OR json_valid(detail))
) STRICT;
CREATE INDEX server_log_of_guild ON server_log (guild_id, number);
CREATE INDEX server_log_of_actor ON server_log (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX server_log_of_subject ON server_log (subject_id) WHERE subject_id IS NOT NULL;

-- Starred pictures are shown once: what is here is not shown again.
CREATE TABLE showcased (
    generation_id TEXT PRIMARY KEY REFERENCES generations (id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL,
    message_id INTEGER,
    shown_at REAL NOT NULL
) STRICT;
