# Brings the database's tenants to what the stack declares. The address and the
# administrator's credential are in libpq's own variables.
#   RECONCILE    folder of these files
#   CREDENTIALS  folder with verifiers.csv
#   ARCHIVE      folder of the dumps, or empty
set -eu
cd "$RECONCILE"
WORK=$(mktemp -d)
export WORK
trap 'rm -rf "$WORK"' EXIT
: > "$WORK/archived"
tries=30
until pg_isready -q; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { echo "the database does not answer at $PGHOST:$PGPORT" >&2; exit 1; }
  echo "waiting for the database at $PGHOST:$PGPORT"
  sleep 2
done
psql -X -q < reconcile.sql
# A declaration that cannot be carried out has a status of its own: ExitRefused.
[ ! -e "$WORK/refused" ] || exit 65
