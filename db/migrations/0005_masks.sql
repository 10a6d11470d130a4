-- A generation's mask stands in its recipe alone. Whether another one still needs the file is asked for each that goes.

CREATE INDEX generations_by_mask ON generations (recipe ->> '$.mask') WHERE recipe ->> '$.mask' IS NOT NULL;
