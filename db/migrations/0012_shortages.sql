-- Where memory ran out: with which files of a model, on which device with how much of it to be taken, for how much, and
-- on which step of the worker's ladder. Nothing is tried so again, by no worker after this one, until it is too long
-- ago. It is about the machine and no member's: whose job it was is forgotten with the job, and the rest is kept.

CREATE TABLE shortages (
    model TEXT NOT NULL,
    revision TEXT NOT NULL,
    place TEXT NOT NULL,
    need TEXT NOT NULL CHECK (json_valid(need)),
    step TEXT NOT NULL,
    job TEXT REFERENCES generations (id) ON DELETE SET NULL,
    at REAL NOT NULL,
    PRIMARY KEY (model, revision, place, need, step)
) STRICT;
