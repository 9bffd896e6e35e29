# Functions for archive.sh, restore.sh and compare.sh. They read the tenant from NAME,
# SCHEMA and OWNER.

# as_owner runs a program that logs in as the schema's owner. This role cannot become any
# other role, so code that a tenant planted in the schema gets no more rights than that.
# as_owner prints only the first line of an error, without values. Details may contain a
# customer's rows, and so may text after a colon and a quote. Names have no colon before
# them. A tenant's own function may raise an error with any text, so errors.sed lists the
# texts that are printed.
as_owner() {
  status=0
  PGUSER="$OWNER" "$@" 2> "$WORK/tenant/said" || status=$?
  LC_ALL=C sed -n -E -f errors.sed "$WORK/tenant/said" >&2
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
  pg_restore --list "$2" | sed -e "$3" -e "/^[0-9; ]* DEFAULT ACL .* $OWNER\$/b" -e '/^[0-9; ]* DEFAULT ACL /d' > "$WORK/tenant/contents"
  as_owner pg_restore --dbname="$1" --use-list="$WORK/tenant/contents" --no-owner --single-transaction --exit-on-error "$2"
}

# canonical FILE: prints definitions in an order that does not depend on the roles' IDs.
# PostgreSQL sorts default privileges by these, and pg_dump lists a policy's roles in the
# order of the rows in pg_authid, which each new password changes.
canonical() {
  grep -v '^ALTER DEFAULT PRIVILEGES ' "$1" | awk '
    /^CREATE POLICY .* TO / && match($0, / TO /) {
      head = substr($0, 1, RSTART + 3); rest = substr($0, RSTART + 4); tail = ""
      if (match(rest, / USING \(| WITH CHECK \(|;$/)) { tail = substr(rest, RSTART); rest = substr(rest, 1, RSTART - 1) }
      n = split(rest, roles, ", ")
      for (i = 2; i <= n; i++) for (j = i; j > 1 && roles[j] < roles[j - 1]; j--) { r = roles[j]; roles[j] = roles[j - 1]; roles[j - 1] = r }
      rest = roles[1]
      for (i = 2; i <= n; i++) rest = rest ", " roles[i]
      $0 = head rest tail
    }
    { print }'
  grep '^ALTER DEFAULT PRIVILEGES ' "$1" | LC_ALL=C sort
}

# same_definitions ARCHIVE SCHEMA: compares two files of definitions as same does.
same_definitions() {
  canonical "$1" > "$WORK/tenant/archived.sql"
  canonical "$2" > "$WORK/tenant/present.sql"
  same "the definitions" "$WORK/tenant/archived.sql" "$WORK/tenant/present.sql"
}

# same WHAT ARCHIVE SCHEMA: compares two files. If they differ, it prints the first lines
# that differ, and ends the script.
same() {
  diff "$2" "$3" > "$WORK/tenant/diff" || {
    echo "$1 differ (< archive, > schema):" >&2
    head -n 4 "$WORK/tenant/diff" >&2
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
