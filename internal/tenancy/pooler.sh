#!/bin/sh
# Runs PgBouncer from the files in $POOLER, by default /etc/pooler. It makes it read
# them again when one changes: PgBouncer watches its auth_file and nothing else. A
# Secret that changes shows up here within two minutes, without a restart.
set -u
umask 077
folder=${POOLER:-/etc/pooler}
run=${POOLER_RUN:-/run/pgbouncer}
program=${PGBOUNCER:-pgbouncer}

# SIGTERM of PgBouncer waits for clients to leave, and pools of clients never do.
# SIGINT waits for transactions, then ends.
trap 'kill -INT "$child"' TERM INT

state() { cksum "$folder"/*; }

# PgBouncer 1.25 and 1.26 remember the verifier of a role that left the auth_file, and
# go on letting it in. So a role that left keeps a line, with a verifier that no
# password fits.
nobody=$(printf '%043d=' 0 | tr 0 A)
users() {
  cut -d '"' -f 2 "$folder/users.txt" >"$run/roles"
  {
    cat "$folder/users.txt"
    [ ! -f "$run/users.txt" ] || cut -d '"' -f 2 "$run/users.txt" | grep -vxFf "$run/roles" |
      sed "s|.*|\"&\" \"SCRAM-SHA-256\$4096:AAAAAAAAAAAAAAAAAAAAAA==\$$nobody:$nobody\"|"
  } >"$run/users.new"
  mv "$run/users.new" "$run/users.txt"
}

users
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
    users
    kill -HUP "$child"
  fi
done
wait "$child"
