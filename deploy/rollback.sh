#!/usr/bin/env bash
# Takes services back to what they were before their last update, and waits until they are.
#
#   deploy/rollback.sh [--stack STACK] [--timeout SECONDS] [SERVICE]...     (default: our four that were updated)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

stack=myapp timeout=300 services=()
while (($#)); do
  case "$1" in
    --stack) stack="${2:?a name after --stack}"; shift 2 ;;
    --timeout) timeout="${2:?seconds after --timeout}"; shift 2 ;;
    -*) fail "unknown option $1" ;;
    *) services+=("$1"); shift ;;
  esac
done

has_previous() { [[ "$(docker service inspect "$1" --format '{{if .PreviousSpec}}yes{{end}}' 2> /dev/null)" == yes ]]; }

require_manager
if ((${#services[@]} == 0)); then
  for service in orchestrator-temporal service-payment service-inventory service-order; do
    has_previous "${stack}_$service" && services+=("$service")
  done
  ((${#services[@]})) || fail "no service of $stack was updated since it was made: there is nothing to go back to"
fi

# Waits until a service is what it was; $2 is its update's status from before.
wait_for() {
  local name="$1" before="$2" deadline=$((SECONDS + timeout)) status state='' message=''
  until [[ "$state" == rollback_completed ]] && is_complete "$(replicas_of "$name")"; do
    ((SECONDS < deadline)) || fail "$name has $(replicas_of "$name") $timeout s after its rollback began: $(last_error "$name")"
    sleep 1
    status="$(update_status "$name")"
    [[ "$status" == "$before" ]] || IFS='|' read -r _ state _ message <<< "$status"
    [[ "$state" != rollback_paused ]] || fail "$name: the rollback paused: $(task_error "$name" "$message")"
  done
  say "$name is back: $(docker service inspect "$name" --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}')"
}

names=("${services[@]/#"${stack}_"/}") names=("${names[@]/#/"${stack}_"}")
for name in "${names[@]}"; do
  docker service inspect "$name" > /dev/null 2>&1 || fail "there is no service $name"
  has_previous "$name" || fail "$name was never updated: there is nothing to go back to"
done
declare -A before=()
for name in "${names[@]}"; do
  before[$name]="$(update_status "$name")"
  docker service rollback --detach "$name" > /dev/null || fail "$name: docker service rollback failed"
done
for name in "${names[@]}"; do wait_for "$name" "${before[$name]}"; done
