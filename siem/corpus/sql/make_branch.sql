-- Where the journal of another house is.
CREATE SCHEMA branch;
