-- Since when each roster is in force, by this database's clock: a queue's key may be forgotten a week
-- after the roster that replaced it. No backup has this: where rosters are restored, and for those
-- that are there already, the week begins now.
ALTER TABLE roster ADD since integer NOT NULL  -- unix time / 3600
  DEFAULT floor(extract(epoch FROM now()) / 3600);
