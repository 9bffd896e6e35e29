# Functions for archive.sh, restore.sh and compare.sh. They read the tenant from NAME,
# SCHEMA and OWNER.

# as_owner runs a program that logs in as the schema's owner. This role cannot become any
# other role, so code that a tenant planted in the schema gets no more rights than that.
# as_owner prints only the first line of each error, without values. Details may contain a
# customer's rows, and so may text after a colon and a quote. Names have no colon before
# them. A tenant's own function may raise an error with any text, so errors.sed lists the
# texts that are printed.
as_owner() {
  status=0
  PGUSER="$OWNER" "$@" 2> "$WORK/said" || status=$?
  sed -n -E -f errors.sed "$WORK/said" >&2
  return "$status"
}

# describe FOLDER: writes digests, definitions.sql and extras.sql of the schema to the
# folder, and a dump to $DUMP if that is set. All come from one snapshot.
describe() {
  OUT=$1
  export OUT
  mkdir -p "$OUT"
  as_owner psql -X -q -v name="$NAME" -v schema="$SCHEMA" -v folder="$OUT" < describe.sql
  [ -e "$OUT/dumped" ] || { echo "pg_dump failed: see the messages above" >&2; exit 1; }
  sed -e '/^--/d' -e '/^\\\(un\)\{0,1\}restrict /d' -e '/^$/d' -e "/^ALTER DEFAULT PRIVILEGES FOR ROLE $OWNER /b" \
    -e '/^ALTER DEFAULT PRIVILEGES FOR ROLE /d' "$OUT/schema.sql" | cat - "$OUT/extras.sql" > "$OUT/definitions.sql"
}

# restore DATABASE DUMP SED: restores the dump of a schema into the database, except the
# entries of the dump's list that the sed command SED deletes. It also leaves out default
# privileges of other roles than the owner. Any role may declare them for itself in any
# schema. They have no effect there, and only that role could restore them.
restore() {
  pg_restore --list "$2" | sed -e "$3" -e "/^[0-9; ]* DEFAULT ACL .* $OWNER\$/b" -e '/^[0-9; ]* DEFAULT ACL /d' > "$WORK/contents"
  as_owner pg_restore --dbname="$1" --use-list="$WORK/contents" --no-owner --single-transaction --exit-on-error "$2"
}

# same WHAT ARCHIVE SCHEMA: compares two files. If they differ, it prints the first lines
# that differ, and ends the script.
same() {
  diff "$2" "$3" > "$WORK/diff" || {
    echo "$1 differ (< archive, > schema):" >&2
    head -n 4 "$WORK/diff" >&2
    exit 1
  }
}

# check_file FILE SHA256: ends the script if a file of the archive has another SHA-256.
check_file() {
  echo "$2  $ARCHIVE/$1" | sha256sum -c --status - || { echo "$ARCHIVE/$1 is not the file that was archived" >&2; exit 1; }
}

# run_extras FILE: runs the statements that pg_dump leaves out, in one transaction. psql -c
# accepts only SQL, so a name in the file cannot act as a command of psql.
run_extras() {
  [ ! -s "$1" ] || as_owner psql -X -q -v ON_ERROR_STOP=1 -c "$(cat "$1")"
}
