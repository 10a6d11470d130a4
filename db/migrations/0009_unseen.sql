-- What could be handed over by no way waits in the history: its member is told so beside the next answer, once.

ALTER TABLE deliveries ADD COLUMN noted_at REAL;
ALTER TABLE sheets ADD COLUMN noted_at REAL;
CREATE INDEX deliveries_unseen ON deliveries (generation_id) WHERE route = 'history' AND noted_at IS NULL;
CREATE INDEX sheets_unseen ON sheets (member_id) WHERE route = 'history' AND noted_at IS NULL;
