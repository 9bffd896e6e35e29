# restore.sh NAME SCHEMA OWNER FILE SHA256 EMPTY: fills a schema from its dump, unless
# it has something in it already (EMPTY is f): then it is compared alone.
set -eu
NAME=$1 SCHEMA=$2 OWNER=$3 file=$4 sum=$5 empty=$6
export NAME SCHEMA OWNER
. ./owner.sh
check_file "$file" "$sum"
if [ "$empty" = t ]; then
  restore "$PGDATABASE" "$ARCHIVE/$file" '/^[0-9; ]* SCHEMA - /d'
fi
# An earlier run may have been killed after the rows and before these; what is there
# already fails, and the comparison decides.
[ ! -e "$ARCHIVE/$file.extras" ] || run_extras "$ARCHIVE/$file.extras" || true
sh compare.sh "$NAME" "$SCHEMA" "$OWNER" "$file" "$sum"
