# each.sh STEP: runs STEP.sh (archive, restore or compare) for each line of $WORK/list. The
# words of a line are the arguments. each.sh appends the name to $WORK/done. If one tenant
# fails, it appends the reason to $WORK/failures.csv and continues with the next tenant.
set -eu
step=$1
# How long a script waits for a locked table. After a tenant whose table stayed locked,
# the next ones wait less (as in wait_less of functions.sql). Otherwise hundreds of locked
# tenants would take hours.
LOCK_TIMEOUT=30s
export LOCK_TIMEOUT
locked=0
: > "$WORK/failures.csv"
: > "$WORK/relations"
: > "$WORK/archived"
: > "$WORK/done"
while read -r name words; do
  echo "$step of $name"
  # shellcheck disable=SC2086 # words are split on purpose: none of them has a space
  if sh "$step.sh" "$name" $words < /dev/null > "$WORK/messages" 2>&1; then
    cat "$WORK/messages"
    echo "$name" >> "$WORK/done"
    continue
  fi
  cat "$WORK/messages" >&2
  if grep -q 'canceling statement due to' "$WORK/messages"; then
    locked=$((locked + 1))
    LOCK_TIMEOUT=8s
    [ "$locked" -le 10 ] || LOCK_TIMEOUT=500ms
  fi
  reason=$(tail -n 6 "$WORK/messages" | tr '\n"' " '")
  echo "$name,$step,\"$reason\"" >> "$WORK/failures.csv"
done < "$WORK/list"
