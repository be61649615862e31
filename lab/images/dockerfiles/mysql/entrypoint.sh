#!/bin/bash
# Handles MYSQL_ROOT_PASSWORD and MYSQL_ROOT_PASSWORD_FILE like the entry point of the official image.
set -euo pipefail

server=(mysqld --user=mysql --datadir=/var/lib/mysql --pid-file=/var/run/mysqld/mysqld.pid
  --socket=/var/run/mysqld/mysqld.sock --secure-file-priv=NULL)

initialise() {
  local password="${MYSQL_ROOT_PASSWORD:-}"
  [[ -z "${MYSQL_ROOT_PASSWORD_FILE:-}" ]] || password="$(< "$MYSQL_ROOT_PASSWORD_FILE")"
  rm -rf /var/lib/mysql/*
  "${server[@]}" --initialize-insecure
  cat > /var/run/mysqld/init.sql <<SQL
ALTER USER root@localhost IDENTIFIED BY '$password';
CREATE USER root@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
  chown mysql /var/run/mysqld/init.sql
  "${server[@]}" --skip-networking --init-file=/var/run/mysqld/init.sql &
  until mysqladmin --socket=/var/run/mysqld/mysqld.sock ping &> /dev/null; do sleep 0.2; done
  MYSQL_PWD="$password" mysqladmin --socket=/var/run/mysqld/mysqld.sock shutdown
  wait
  rm /var/run/mysqld/init.sql
  touch /var/lib/mysql/.initialised
}

if [[ "${1:-}" == -* ]]; then set -- mysqld "$@"; fi
[[ -e /var/lib/mysql/.initialised ]] || initialise
exec "${server[@]}" "${@:2}"
