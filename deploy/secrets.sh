#!/usr/bin/env bash
# Creates the missing secrets of deploy/docker-stack.secrets.yml, with random passwords.
# To use your own password, create its secret first:  printf %s "$PASSWORD" | docker secret create mysql_password_v1 -
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

require_manager
for secret in mysql_password redis_password temporal_password; do
  name="${secret}_v${PASSWORDS_REVISION:-1}"
  if docker secret inspect "$name" > /dev/null 2>&1; then
    say "$name already exists"
  else
    # The password is hexadecimal, because quotes or backslashes in it would break Temporal's configuration.
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | docker secret create "$name" - > /dev/null
    say "$name was created"
  fi
done
