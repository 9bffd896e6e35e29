# compare.sh NAME SCHEMA OWNER FILE SHA256: compares a schema's definitions with those of
# its archive, and appends the digests of its rows to $WORK/relations. Archives that an
# earlier version of this script wrote have no definitions.
set -eu
NAME=$1 SCHEMA=$2 OWNER=$3 file=$4 sum=$5
export NAME SCHEMA OWNER
. ./owner.sh
check_file "$file" "$sum"
describe "$WORK/tenant/live"
[ ! -e "$ARCHIVE/$file.definitions" ] || same_definitions "$ARCHIVE/$file.definitions" "$WORK/tenant/live/definitions.sql"
cat "$WORK/tenant/live/digests" >> "$WORK/relations"
