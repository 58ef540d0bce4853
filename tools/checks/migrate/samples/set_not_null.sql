-- expected: adding-not-nullable-field, ban-new-write-restriction
ALTER TABLE tasks ALTER COLUMN description SET NOT NULL;
