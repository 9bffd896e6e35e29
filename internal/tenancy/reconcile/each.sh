# each.sh STEP: runs STEP.sh (archive, restore or compare) for each line of $WORK/list. The
# words of a line are the arguments. each.sh appends the name to $WORK/done. If one tenant
# fails, it appends the reason to $WORK/failures.csv and continues with the next tenant.
set -u
step=$1
# How long a script waits for a locked table. After a tenant whose table stayed locked,
# the next ones wait less (as in wait_less of functions.sql). Otherwise hundreds of locked
# tenants would take hours.
LOCK_TIMEOUT=30s
export LOCK_TIMEOUT
locked=0
# The longest time for one tenant in seconds. Its own functions run in a test restore.
TENANT_SECONDS=${TENANT_SECONDS:-600}
[ -z "$ARCHIVE" ] || rm -f "$ARCHIVE"/*/*.part # left by a run that was killed
: > "$WORK/failures.csv"
: > "$WORK/relations"
: > "$WORK/archived"
: > "$WORK/done"
while read -r name words; do
  echo "$step of $name"
  mkdir "$WORK/tenant" || exit 1 # the run has ended
  # shellcheck disable=SC2086 # words are split on purpose: none of them has a space
  timeout -k 10 "$TENANT_SECONDS" sh "$step.sh" "$name" $words < /dev/null > "$WORK/messages" 2>&1
  status=$?
  # The files of a tenant may be large, and the folder is small.
  rm -rf "$WORK/tenant"
  if [ "$status" = 0 ]; then
    cat "$WORK/messages"
    echo "$name" >> "$WORK/done"
    continue
  fi
  case $status in 124 | 137 | 143) echo "it took longer than $TENANT_SECONDS s" >> "$WORK/messages" ;; esac
  cat "$WORK/messages" >&2
  if grep -q 'canceling statement due to' "$WORK/messages"; then
    locked=$((locked + 1))
    LOCK_TIMEOUT=8s
    [ "$locked" -le 10 ] || LOCK_TIMEOUT=500ms
  fi
  # Only ASCII: cut may have cut a character, and a function may send another encoding.
  reason=$(tail -n 6 "$WORK/messages" | cut -c -1000 | tr '\n"' " '" | LC_ALL=C tr -c '\040-\176' '?')
  echo "$name,$step,\"$reason\"" >> "$WORK/failures.csv"
done < "$WORK/list"
