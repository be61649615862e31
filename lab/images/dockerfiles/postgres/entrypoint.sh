#!/bin/bash
# Handles POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE like the entry point of the official image.
set -euo pipefail

initialise() {
  local password="${POSTGRES_PASSWORD:-}"
  [[ -z "${POSTGRES_PASSWORD_FILE:-}" ]] || password="$(< "$POSTGRES_PASSWORD_FILE")"
  find "$PGDATA" -mindepth 1 -delete
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$password") --auth-host=scram-sha-256 --encoding=UTF8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl -w start -o "-c listen_addresses='' -c unix_socket_directories=/tmp"
  psql -h /tmp -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"$POSTGRES_USER\""
  pg_ctl -w -m fast stop
  touch "$PGDATA/.initialised"
}

[[ -e "$PGDATA/.initialised" ]] || initialise
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp "${@:2}"
