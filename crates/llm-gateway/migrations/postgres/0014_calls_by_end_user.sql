-- What one end user of an application has called, who is not rolled up: single calls, found among millions. Calls for
-- nobody stand not in it, and cost nothing here.
CREATE INDEX calls_by_end_user ON calls (end_user, id) WHERE end_user IS NOT NULL;
