#!/usr/bin/env bash
# Rolls services back to the state before their last update, and waits until that is done.
#
#   deploy/rollback.sh [--stack STACK] [--timeout SECONDS] [SERVICE]...   (default: our services that were updated)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

stack=myapp timeout=300 services=() stays=()
while (($#)); do
  case "$1" in
    --stack) stack="${2:?--stack needs a name}"; shift 2 ;;
    --timeout) timeout="${2:?--timeout needs a number of seconds}"; shift 2 ;;
    -*) fail "unknown option $1" ;;
    *) services+=("$1"); shift ;;
  esac
done

# An update can be rolled back only once. Swarm remembers only one earlier specification. Every update replaces it, even
# an update that changes nothing, and so does a rollback.
can_go_back() {
  local was is state
  was="$(docker service inspect "$1" --format '{{if .PreviousSpec}}{{json .PreviousSpec.TaskTemplate}}{{end}}' 2> /dev/null)" || return
  is="$(docker service inspect "$1" --format '{{json .Spec.TaskTemplate}}')"
  IFS='|' read -r _ state _ <<< "$(update_status "$1")"
  [[ -n "$was" && "$was" != "$is" && "$state" != rollback_completed ]]
}

require_seconds "$timeout"
require_manager
if ((${#services[@]} == 0)); then
  for service in orchestrator-temporal service-payment service-inventory service-order; do
    if can_go_back "${stack}_$service"; then services+=("$service"); else stays+=("$service"); fi
  done
  ((${#services[@]})) || fail "no service of $stack has an update to roll back: deploy the older TAG"
  ((${#stays[@]} == 0)) || say "not rolled back: ${stays[*]} (the last update changed no task, or was already rolled back)"
fi

# Waits until a service is rolled back. $2 is the status of its update before the rollback.
wait_for() {
  local name="$1" before="$2" deadline=$((SECONDS + timeout)) status state='' message=''
  until [[ "$state" == rollback_completed ]] && is_complete "$(replicas_of "$name")"; do
    ((SECONDS < deadline)) || fail "$name has $(replicas_of "$name") replicas $timeout s after its rollback began: $(last_error "$name")"
    sleep 1
    status="$(update_status "$name")"
    [[ "$status" == "$before" ]] || IFS='|' read -r _ state _ message <<< "$status"
    [[ "$state" != rollback_paused ]] || fail "$name: the rollback paused: $(task_error "$name" "$message")"
  done
  say "$name is rolled back: $(docker service inspect "$name" --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}')"
}

names=("${services[@]/#"${stack}_"/}") names=("${names[@]/#/"${stack}_"}")
for name in "${names[@]}"; do
  docker service inspect "$name" > /dev/null 2>&1 || fail "there is no service $name"
  can_go_back "$name" || fail "$name: its last update changed no task, or was already rolled back: deploy the older TAG"
done
declare -A before=()
for name in "${names[@]}"; do
  before[$name]="$(update_status "$name")"
  docker service rollback --detach "$name" > /dev/null || fail "$name: docker service rollback failed"
done
for name in "${names[@]}"; do wait_for "$name" "${before[$name]}"; done
