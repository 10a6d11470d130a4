-- A picture that waits to be put into words outlives the bot, as a job does, and so does its answer until it has
-- reached its member; then nothing of it stays. What is to be told beside a result outlives the bot with its delivery.

CREATE TABLE looks (
    id TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL,
    guild_id INTEGER,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    source TEXT NOT NULL,
    created_at REAL NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    answer TEXT CHECK (answer IS NULL OR json_valid(answer)),
    answered_at REAL,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    application_id INTEGER,
    interaction_token TEXT,
    interaction_expires_at REAL,
    channel_id INTEGER,
    waiting_message_id INTEGER,
    ephemeral INTEGER NOT NULL CHECK (ephemeral IN (0, 1)),
    CHECK ((answer IS NULL) = (answered_at IS NULL))
) STRICT;
CREATE INDEX looks_of_member ON looks (member_id);

ALTER TABLE deliveries ADD COLUMN notes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(notes));
