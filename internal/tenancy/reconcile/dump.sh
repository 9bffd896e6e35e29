# Dumps the schema in the snapshot that describe.sql exported.
set -eu
set -- --schema="$SCHEMA" --snapshot="$SNAPSHOT" --lock-wait-timeout="$LOCK_TIMEOUT"
pg_dump --schema-only "$@" > "$OUT/schema.sql"
[ -z "${DUMP:-}" ] || pg_dump --format=custom --file="$DUMP" "$@"
touch "$OUT/dumped"
