-- Members who had everything about them erased, so that restoring a backup from before erases it again. The id is not
-- kept, but a digest of it with a salt of its own: it tells of a given id whether it is the one. What was spent of the
-- allowance stays beside it, so that being forgotten is no way to a new allowance.

CREATE TABLE tombstones (
    salt BLOB PRIMARY KEY CHECK (length(salt) = 16),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    balance REAL,
    balance_at REAL,
    erased_at REAL NOT NULL
) STRICT;
