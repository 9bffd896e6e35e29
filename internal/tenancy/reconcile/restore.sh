# restore.sh NAME SCHEMA OWNER FILE SHA256 EMPTY: restores a dump into its schema, and
# compares both. If the schema has objects already (EMPTY is f), it only compares.
set -eu
NAME=$1 SCHEMA=$2 OWNER=$3 file=$4 sum=$5 empty=$6
export NAME SCHEMA OWNER
. ./owner.sh
check_file "$file" "$sum"
if [ "$empty" = t ]; then
  restore "$PGDATABASE" "$ARCHIVE/$file" '/^[0-9; ]* SCHEMA - /d'
fi
# These run also if the schema is not empty: an earlier run may have been killed after it
# restored the rows. Statements whose object exists already fail. That is no error: the
# comparison below decides.
[ ! -e "$ARCHIVE/$file.extras" ] || run_extras "$ARCHIVE/$file.extras" || true
sh compare.sh "$NAME" "$SCHEMA" "$OWNER" "$file" "$sum"
