# Makes the tenants in the database what the stack declares. libpq's variables give the
# database's address and the administrator's role. Other variables:
#   RECONCILE    folder of these files
#   CREDENTIALS  folder with verifiers.csv and pgpass
#   ARCHIVE      folder of the dumps; empty or unset if this run has no archive volume
#   TOLERATE     "tenants": exit with 0 if tenants fail
#   SCHEDULED    "true": repeat what the last update applied, or do nothing
#   TENANT_SECONDS  longest time for the dump or restore of one tenant; unset is 600
# Exit status:
#   0   all tenants are as declared, or this run left them to another one: the last line
#       says which
#   65  refused, nothing was changed; another try would be refused too
#   75  some tenants failed, the others are as declared
#   143 ended by SIGTERM; the next run completes it
#   any other status is an error
set -eu
ARCHIVE=${ARCHIVE:-} TOLERATE=${TOLERATE:-} SCHEDULED=${SCHEDULED:-false}
export ARCHIVE TOLERATE SCHEDULED
cd "$RECONCILE"
umask 077
WORK=$(mktemp -d)
PGPASSFILE=$WORK/pgpass
PGAPPNAME=platform-reconcile
# A tenant's owner may have another encoding, and its messages and names would then stop the
# run for all tenants.
PGCLIENTENCODING=UTF8
export WORK PGPASSFILE PGAPPNAME PGCLIENTENCODING
# run FILE: runs a file in psql. psql is in the background, because the shell would handle a
# signal only after a program in the foreground has ended.
psql_pid=
run() {
  psql -X -q < "$1" &
  psql_pid=$!
  wait "$psql_pid"
}
end_watch() { [ ! -s "$WORK/watch.pid" ] || kill "$(cat "$WORK/watch.pid")" 2> /dev/null || true; }
lock_table_was_full() { grep -q '\(ERROR\|FATAL\):  out of shared memory' "$WORK/errors"; }
let_in() {
  # If the disk is full, the file may be empty.
  session=$(cat "$WORK/session" 2> /dev/null || true) tries=10
  until psql -X -q -v session="${session:-0}" < let_in.sql 2> "$WORK/errors"; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! lock_table_was_full; then
      cat "$WORK/errors" >&2
      echo "tenants that this run shut out are let in by the next run" >&2
      return
    fi
    sleep 0.5
  done
  cat "$WORK/errors" >&2
}
stop() {
  trap : TERM # another SIGTERM must not end this function
  [ -z "$psql_pid" ] || kill "$psql_pid" 2> /dev/null || true
  end_watch
  let_in
  rm -rf "$WORK"
}
trap stop EXIT
# A shell that is process 1 of its container ignores signals that it does not trap.
trap 'exit 143' TERM
# libpq ignores a password file that others may read. Others may read the files of a
# mounted Secret, so this is a copy.
cat "$CREDENTIALS/pgpass" > "$PGPASSFILE"
# All stages are one script: in included files, psql puts file and line before each message.
# locks.sql runs again with the lease: another run may have let a tenant in meanwhile.
# session.sql runs again because locks.sql changes its settings.
cat session.sql lease.sql locks.sql session.sql declared.sql usage.sql functions.sql refuse.sql rename.sql close.sql database.sql roles.sql \
  schemas.sql volume.sql restore.sql samples.sql quota.sql open.sql archive.sql purge.sql verify.sql > "$WORK/reconcile.sql"
mkfifo "$WORK/pipe"
# While a tenant fills the table of locks, no role can log in, and any statement may fail.
# Then locks.sql has to log in before the tenant's next transaction, and a run that failed
# begins again: each of its statements may be repeated.
deadline=$(($(date +%s) + 60)) full=$(($(date +%s) + 300)) told=0 WAS_FULL=false
export WAS_FULL
while :; do
  status=0
  run locks.sql 2> "$WORK/errors" || status=$?
  if [ "$status" = 0 ]; then
    cat "$WORK/errors" >&2
    tee "$WORK/errors" < "$WORK/pipe" >&2 &
    tee_pid=$!
    run "$WORK/reconcile.sql" 2> "$WORK/pipe" || status=$?
    end_watch # it writes to the pipe as well
    wait "$tee_pid" || true # the run's own status counts
    [ "$status" != 0 ] || break
    lock_table_was_full || exit "$status"
    rm -f "$WORK/failed" "$WORK/watch.pid"
  fi
  if lock_table_was_full; then
    WAS_FULL=true deadline=$full pause=0.1 reason="the table of locks is full at"
  else
    pause=2 reason="the database does not answer at"
  fi
  now=$(date +%s)
  [ "$now" -lt "$deadline" ] || { cat "$WORK/errors" >&2; echo "$reason $PGHOST:$PGPORT" >&2; exit 1; }
  [ "$now" -lt "$told" ] || { echo "$reason $PGHOST:$PGPORT; this run tries again"; told=$((now + 10)); }
  sleep "$pause"
done
[ ! -e "$WORK/refused" ] || exit 65
[ ! -e "$WORK/failed" ] || [ "$TOLERATE" = tenants ] || exit 75
