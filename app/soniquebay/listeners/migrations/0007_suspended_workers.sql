-- A worker that has brought a wrong vector may not connect until it joins again.
ALTER TABLE remote_workers ADD COLUMN suspended_at REAL;        -- Unix time; NULL: it may connect
ALTER TABLE remote_workers ADD COLUMN suspended_because TEXT;   -- a sentence without its full stop
