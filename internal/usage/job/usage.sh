# Writes gauges of each tenant to VictoriaMetrics, and writes each complete day (UTC) that is
# missing into platform.usage. libpq's variables give the database's address and the
# administrator's role. Other variables:
#   USAGE         folder of these files
#   PASSWORDS     password file of libpq
#   METRICS_HOST, METRICS_PORT  address of VictoriaMetrics
#   METRICS_DAYS  how many days VictoriaMetrics keeps metrics
# Exit status: 0 all was written, or no update has run yet; 143 ended by SIGTERM; any other is an
# error. The next run writes what is missing.
set -eu
cd "$USAGE"
umask 077
WORK=$(mktemp -d)
PGPASSFILE=$WORK/pgpass
PGAPPNAME=platform-usage
PGCLIENTENCODING=UTF8
export WORK PGPASSFILE PGAPPNAME PGCLIENTENCODING
trap 'rm -rf "$WORK"' EXIT
# A shell that is process 1 of its container ignores signals that it does not trap.
trap 'exit 143' TERM
# libpq ignores a password file that others may read. Others may read the files of a mounted
# Secret, so this is a copy.
cat "$PASSWORDS" > "$PGPASSFILE"
sql() { psql -X -q -A -t "$@"; }
http() { timeout 60 bash ./http.sh "$@"; }

sql -v days="$METRICS_DAYS" < days.sql > "$WORK/days"
if [ "$(cat "$WORK/days")" = early ]; then
  echo "no update has run yet; nothing was counted"
  exit 0
fi

# ask DAY END: writes the answers at the second END to $WORK/answers, as one JSON object.
ask() {
  separator='{'
  while read -r name query; do
    printf '%s"%s":' "$separator" "$name"
    http GET "/api/v1/query?nocache=1&time=$2&query=$query" < /dev/null
    separator=,
  done < queries > "$WORK/answers"
  echo '}' >> "$WORK/answers"
}

# If the gauges fail, the days are still written, and the run fails at the end.
failed=0
{ sql < gauges.sql > "$WORK/gauges" && http POST /api/v1/import/prometheus < "$WORK/gauges"; } || failed=1
[ "$failed" = 1 ] || echo "$(grep -c '^tenant_schema_bytes' "$WORK/gauges" || true) tenants measured"
while read -r day end; do
  ask "$day" "$end"
  sql -v day="$day" -v days="$METRICS_DAYS" < rollup.sql
  echo "$day: written"
done < "$WORK/days"
exit "$failed"
