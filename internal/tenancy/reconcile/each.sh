# Runs archive.sh, restore.sh or compare.sh for each line of $WORK/list, whose words
# are the script's arguments. What fails for one tenant is noted in
# $WORK/failures.csv, and the next goes on.
set -eu
step=$1
# How long a tenant's table may stay locked. As in wait_less of functions.sql, those
# that come after a tenant that was locked wait less, or hundreds would take hours.
LOCK_TIMEOUT=30s
export LOCK_TIMEOUT
locked=0
: > "$WORK/failures.csv"
: > "$WORK/relations.csv"
: > "$WORK/archived"
while read -r name words; do
  echo "$step of $name"
  # shellcheck disable=SC2086 # words are split on purpose: none of them has a space
  if sh "$step.sh" "$name" $words < /dev/null > "$WORK/messages" 2>&1; then
    cat "$WORK/messages"
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
