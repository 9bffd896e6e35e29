#!/bin/sh
# Runs PgBouncer from the files in $POOLER, by default /etc/pooler. It makes it read
# them again when one changes: PgBouncer watches its auth_file and nothing else. A
# Secret that changes shows up here within two minutes, without a restart.
set -u
folder=${POOLER:-/etc/pooler}
program=${PGBOUNCER:-pgbouncer}

# SIGTERM of PgBouncer waits for clients to leave, and pools of clients never do.
# SIGINT waits for transactions, then ends.
trap 'kill -INT "$child"' TERM INT

state() { cksum "$folder"/*; }

before=$(state)
"$program" "$folder/pgbouncer.ini" &
child=$!
while kill -0 "$child" 2>/dev/null; do
  # A signal interrupts wait, and would not interrupt sleep.
  sleep 1 &
  wait $!
  now=$(state)
  if [ "$now" != "$before" ]; then
    before=$now
    kill -HUP "$child"
  fi
done
wait "$child"
