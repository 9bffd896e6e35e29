# Functions of archive.sh, restore.sh and compare.sh, for the tenant in NAME, SCHEMA and
# OWNER.

# as_owner runs a program that logs in as the schema's owner, which can become no other
# role. Whatever was planted in the schema runs with these rights at most. Of its messages
# only the first lines of errors are printed, without values: details, and what follows a
# colon and a quote, may be of a customer's rows. Names have no colon before them.
as_owner() {
  status=0
  PGUSER="$OWNER" "$@" 2> "$WORK/said" || status=$?
  sed -n -e 's/: ".*//' -e 's/value "[^"]*"*/value/' -e '/^psql:/p' -e '/^pg_dump:/p' -e '/^pg_restore:/p' -e '/^ERROR:/p' -e '/^FATAL:/p' "$WORK/said" >&2
  return "$status"
}

# describe writes digests.csv, definitions.sql and extras.sql of the schema to a folder,
# all as of one snapshot, and a dump to $DUMP if that is set.
describe() {
  OUT=$1
  export OUT
  mkdir -p "$OUT"
  as_owner psql -X -q -v name="$NAME" -v schema="$SCHEMA" -v folder="$OUT" < describe.sql
  [ -e "$OUT/dumped" ] || { echo "pg_dump failed: see the messages above" >&2; exit 1; }
  sed -e '/^--/d' -e '/^\\\(un\)\{0,1\}restrict /d' -e '/^$/d' -e "/^ALTER DEFAULT PRIVILEGES FOR ROLE $OWNER /b" \
    -e '/^ALTER DEFAULT PRIVILEGES FOR ROLE /d' "$OUT/schema.sql" | cat - "$OUT/extras.sql" > "$OUT/definitions.sql"
}

# restore fills a database from the dump of a schema, without what a pattern of sed matches
# in the dump's list. Default privileges of other roles are left out: any role may declare
# them for itself in any schema, they have no effect there, and only that role may restore
# them.
restore() {
  pg_restore --list "$2" | sed -e "$3" -e "/^[0-9; ]* DEFAULT ACL .* $OWNER\$/b" -e '/^[0-9; ]* DEFAULT ACL /d' > "$WORK/contents"
  as_owner pg_restore --dbname="$1" --use-list="$WORK/contents" --no-owner --single-transaction --exit-on-error "$2"
}

# same compares two files, and prints what differs.
same() {
  diff "$2" "$3" > "$WORK/diff" || {
    echo "$1 differ (< archive, > schema):" >&2
    head -n 4 "$WORK/diff" >&2
    exit 1
  }
}

# check_file compares an archive's file with its SHA-256.
check_file() {
  echo "$2  $ARCHIVE/$1" | sha256sum -c --status - || { echo "$ARCHIVE/$1 is not the file that was archived" >&2; exit 1; }
}

# run_extras runs the statements that a schema's dump leaves out, as one transaction.
# psql -c takes SQL alone, so no name in it can be a command of psql.
run_extras() {
  [ ! -s "$1" ] || as_owner psql -X -q -v ON_ERROR_STOP=1 -c "$(cat "$1")"
}
