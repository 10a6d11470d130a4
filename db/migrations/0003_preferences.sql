-- What members set for themselves, taken where a request leaves something open. NULL is not set.

CREATE TABLE preferences (
    member_id INTEGER PRIMARY KEY,
    model TEXT,
    style TEXT,
    size TEXT,
    num_inference_steps INTEGER,
    guidance_scale REAL,
    scheduler TEXT,
    negative_prompt TEXT,
    count INTEGER CHECK (count BETWEEN 1 AND 4),
    private INTEGER CHECK (private IN (0, 1))
) STRICT;
