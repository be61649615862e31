#!/usr/bin/env bash
# Makes the secrets of deploy/docker-stack.secrets.yml with random passwords, those that are not there.
# A password that you have already:  printf %s "$PASSWORD" | docker secret create mysql_password_v1 -
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

require_manager
for secret in mysql_password redis_password temporal_password; do
  name="${secret}_v${PASSWORDS_REVISION:-1}"
  if docker secret inspect "$name" > /dev/null 2>&1; then
    say "$name is there"
  else
    # Hexadecimal: quotes and backslashes would end the configuration that Temporal puts it into.
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | docker secret create "$name" - > /dev/null
    say "$name was made"
  fi
done
