-- What the gateway keeps itself is thrown away by age.
CREATE INDEX objects_kept ON objects (made_at) WHERE kind IN ('own_response', 'own_item');
