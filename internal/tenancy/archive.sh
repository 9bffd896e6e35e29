# Writes or reads back the dumps of the tenants listed in $WORK. reconcile.sql
# calls it, and judges by what it finds afterwards.
#   archive  "name schema" a line; answers "name file sha256" in $WORK/archived
#   restore  "name schema file sha256" a line
set -eu
case "$1" in
archive)
  while read -r name schema; do
    echo "archiving $name"
    file="$name/$(date -u +%Y%m%dT%H%M%SZ).dump"
    mkdir -p "$ARCHIVE/$name"
    pg_dump --format=custom --schema="$schema" --file="$ARCHIVE/$file.part"
    # A dump that cannot be listed is none.
    pg_restore --list "$ARCHIVE/$file.part" > "$WORK/list"
    sum=$(sha256sum "$ARCHIVE/$file.part" | cut -d' ' -f1)
    sync "$ARCHIVE/$file.part"
    mv "$ARCHIVE/$file.part" "$ARCHIVE/$file"
    echo "$sum  ${file#*/}" > "$ARCHIVE/$file.sha256"
    echo "$name $file $sum" >> "$WORK/archived"
  done < "$WORK/archive"
  ;;
restore)
  while read -r name schema file sum; do
    echo "restoring $name from $file"
    echo "$sum  $ARCHIVE/$file" | sha256sum -c --status - ||
      { echo "$ARCHIVE/$file is not the file that was archived" >&2; exit 1; }
    pg_restore --dbname="$PGDATABASE" --schema="$schema" --role="$schema" --no-owner --no-privileges \
      --single-transaction --exit-on-error "$ARCHIVE/$file"
  done < "$WORK/restore"
  ;;
esac
