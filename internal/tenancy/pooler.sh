#!/bin/sh
# Runs PgBouncer with the files in $POOLER (default /etc/pooler). When a file changes, it
# makes PgBouncer read all of them again: PgBouncer itself only watches its auth_file. A
# change of the Secret arrives here within two minutes, and needs no restart.
set -u
umask 077
folder=${POOLER:-/etc/pooler}
run=${POOLER_RUN:-/run/pgbouncer}
program=${PGBOUNCER:-pgbouncer}

# On SIGTERM, PgBouncer waits until its clients disconnect, and apps with connection pools
# never do. On SIGINT, it waits for running transactions, then exits.
trap 'kill -INT "$child"' TERM INT

state() { cksum "$folder"/*; }

# When a role is removed from the auth_file, PgBouncer 1.25 and 1.26 remember its verifier
# and still let it log in. So a removed role gets a line with a verifier that matches no
# password.
no_match=$(printf '%043d=' 0 | tr 0 A)
users() {
  cut -d '"' -f 2 "$folder/users.txt" >"$run/roles"
  {
    cat "$folder/users.txt"
    [ ! -f "$run/users.txt" ] || cut -d '"' -f 2 "$run/users.txt" | grep -vxFf "$run/roles" |
      sed "s|.*|\"&\" \"SCRAM-SHA-256\$4096:AAAAAAAAAAAAAAAAAAAAAA==\$$no_match:$no_match\"|"
  } >"$run/users.new"
  mv "$run/users.new" "$run/users.txt"
}

users
before=$(state)
"$program" "$folder/pgbouncer.ini" &
child=$!
while kill -0 "$child" 2>/dev/null; do
  # A signal interrupts wait. It would not interrupt a sleep in the foreground.
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
