CREATE TABLE runs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  agent text NOT NULL,
  title text NOT NULL,
  model text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed', 'canceled')),
  error text NOT NULL DEFAULT '',
  cost_microusd bigint NOT NULL DEFAULT 0,
  tokens bigint NOT NULL DEFAULT 0,
  events int NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX ON runs (started_at DESC, id DESC);
CREATE INDEX ON runs (agent, started_at DESC);

CREATE TABLE events (
  run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq int NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL,
  message text NOT NULL,
  data jsonb,
  cost_microusd bigint NOT NULL DEFAULT 0,
  tokens bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE idempotency_keys (
  api_key text NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status int NOT NULL DEFAULT 0,
  response bytea NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (api_key, key)
);
CREATE INDEX ON idempotency_keys (created_at);

-- What was reported in a month, also of runs that were deleted since.
CREATE TABLE usage (
  month date PRIMARY KEY,
  runs bigint NOT NULL DEFAULT 0,
  events bigint NOT NULL DEFAULT 0
);
