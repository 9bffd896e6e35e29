-- The day of the last reset of the demo. Only the demo's tenant has a row.
CREATE TABLE demo_reset (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  day date NOT NULL
);
