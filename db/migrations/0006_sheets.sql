-- Sheets of `/compare`: several generations with one prompt, asked for together and handed over as one picture. The
-- question with its cost is a sheet already, so that its button works after a restart; its cells are charged and
-- queued when it is said yes to, all of them in one transaction. A sheet is delivered once, apart from its cells.

CREATE TABLE sheets (
    id TEXT PRIMARY KEY,
    member_id INTEGER NOT NULL,
    guild_id INTEGER,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    state TEXT NOT NULL CHECK (state IN ('asked', 'drawing', 'delivered')),
    asked_at REAL NOT NULL,
    application_id INTEGER,
    interaction_token TEXT,
    interaction_expires_at REAL,
    channel_id INTEGER,
    waiting_message_id INTEGER,
    ephemeral INTEGER NOT NULL CHECK (ephemeral IN (0, 1)),
    route TEXT CHECK (route IN ('channel', 'interaction', 'direct', 'history')),
    message_id INTEGER,
    delivered_at REAL,
    CHECK (state = 'drawing' OR interaction_token IS NULL)
) STRICT;
CREATE INDEX sheets_of_member ON sheets (member_id, asked_at);
CREATE INDEX sheets_drawing ON sheets (asked_at) WHERE state = 'drawing';

CREATE TABLE cells (
    generation_id TEXT PRIMARY KEY REFERENCES generations (id) ON DELETE CASCADE,
    sheet_id TEXT NOT NULL REFERENCES sheets (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    UNIQUE (sheet_id, number)
) STRICT;
