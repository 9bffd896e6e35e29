# archive.sh NAME SCHEMA OWNER: dumps a schema, restores the dump into an empty database,
# and compares both. Then it appends "NAME FILE SHA256" to $WORK/archived.
set -eu
NAME=$1 SCHEMA=$2 OWNER=$3
DRILL=platform_drill
export NAME SCHEMA OWNER
. ./owner.sh
file="$NAME/$(date -u +%Y%m%dT%H%M%SZ).dump"
mkdir -p "$ARCHIVE/$NAME"
part="$ARCHIVE/$file.part"

# No role can connect to the drill's database before its rights are set.
administer() { psql -X -q -v ON_ERROR_STOP=1 -v drill="$DRILL" -v owner="$OWNER" -v extensions="$WORK/tenant/extensions.sql"; }
# DROP DATABASE WITH (FORCE) would fail here while autovacuum works in the database: only a
# superuser may end autovacuum. So the sessions of users are ended first.
drop_drill() {
  PGOPTIONS='-c client_min_messages=error' administer <<'SQL'
\o /dev/null
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :'drill' AND usename IS NOT NULL;
DROP DATABASE IF EXISTS :"drill";
SQL
}
# A part of a dump that failed would take the room of the next tenant's dump.
trap 'rm -f "$part"; drop_drill' EXIT
trap 'exit 143' TERM
DUMP="$part" describe "$WORK/tenant/live"
drop_drill
administer <<'SQL'
CREATE DATABASE :"drill" TEMPLATE template0 ALLOW_CONNECTIONS false;
REVOKE ALL ON DATABASE :"drill" FROM PUBLIC;
ALTER DATABASE :"drill" ALLOW_CONNECTIONS true;
-- Creates the extensions that the owner may use, in schemas of the same names. The archive
-- of a tenant does not contain them. No other role is connected at this time.
SELECT format('CREATE SCHEMA IF NOT EXISTS %I; GRANT USAGE ON SCHEMA %1$I TO %I; CREATE EXTENSION IF NOT EXISTS %I SCHEMA %1$I CASCADE;', nspname, :'owner', extname)
FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
WHERE nspname NOT IN ('pg_catalog', 'public') AND nspowner <> to_regrole(quote_ident(:'owner')) AND has_schema_privilege(:'owner', n.oid, 'USAGE') ORDER BY pg_extension.oid
\g (tuples_only format=unaligned) :extensions
\c :drill
\i :extensions
GRANT CONNECT, CREATE ON DATABASE :"drill" TO :"owner";
SQL
restore "$DRILL" "$part" '' || {
  echo "the dump cannot be restored into an empty database: move what it needs from other schemas into $SCHEMA first" >&2
  exit 1
}
# In a subshell: a variable before a shell function is still set when the trap runs, and
# drop_drill would connect to the drill.
(PGDATABASE="$DRILL"; export PGDATABASE; run_extras "$WORK/tenant/live/extras.sql")
(PGDATABASE="$DRILL"; export PGDATABASE; describe "$WORK/tenant/drill")
same "the rows of the dump" "$WORK/tenant/drill/digests" "$WORK/tenant/live/digests"
same_definitions "$WORK/tenant/drill/definitions.sql" "$WORK/tenant/live/definitions.sql"

sum=$(sha256sum "$part" | cut -d' ' -f1)
cp "$WORK/tenant/live/definitions.sql" "$ARCHIVE/$file.definitions"
cp "$WORK/tenant/live/extras.sql" "$ARCHIVE/$file.extras"
echo "$sum  ${file#*/}" > "$ARCHIVE/$file.sha256"
mv "$part" "$ARCHIVE/$file"
sync
cat "$WORK/tenant/live/digests" >> "$WORK/relations"
echo "$NAME $file $sum" >> "$WORK/archived"
