# What deploy.sh, rollback.sh and diagnose.sh share. Sourced, not run.
# shellcheck shell=bash

# Swarm stops an unhealthy task, and forgets why when that then ends as it should.
FORGOTTEN="its health check failed, or it ended by itself"
ME="$(basename "$0" .sh)"

fail() {
  printf '%s: %s\n' "$ME" "$*" >&2
  exit 1
}

require_seconds() { [[ "$1" =~ ^[0-9]+$ ]] || fail "--timeout takes a number of seconds, not $1"; }

say() { printf '%s\n' "$*"; }

require_manager() {
  local state
  state="$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2> /dev/null)" \
    || fail "the Docker daemon does not answer: is it running, and may you use it? (docker info)"
  case "$state" in
    "active true") ;;
    "active false") fail "this node is a worker of the Swarm: run this on a manager (docker node ls says which)" ;;
    *) fail "this node is not in a Swarm: docker swarm init" ;;
  esac
}

services_of() { docker stack services "$1" --format '{{.Name}}' 2> /dev/null | sort; }

# service|state|when the update started|message; the last three are empty if there never was an update
update_status() {
  docker service inspect "$1" --format \
    '{{.Spec.Name}}|{{if .UpdateStatus}}{{.UpdateStatus.State}}|{{.UpdateStatus.StartedAt}}|{{.UpdateStatus.Message}}{{else}}||{{end}}'
}

# "2/2", and for a job "0/1 (1/1 completed)"
replicas_of() { docker service ls --filter "name=$1" --format '{{.Name}} {{.Replicas}}' | sed -n "s|^$1 ||p"; }

is_complete() {
  local numbers="${1%% (max*}" # "2/2 (max 1 per node)" is an ordinary service
  [[ "$numbers" =~ \(([0-9]+)/([0-9]+)\ completed\)$ || "$numbers" =~ ^([0-9]+)/([0-9]+)$ ]] \
    && [[ "${BASH_REMATCH[1]}" == "${BASH_REMATCH[2]}" ]]
}

# What the newest task that went wrong says, in one line.
last_error() {
  local tasks
  mapfile -t tasks < <(docker service ps "$1" -q --no-trunc 2> /dev/null)
  ((${#tasks[@]})) || return 0
  docker inspect --type task --format '{{json .Status.Timestamp}} {{.Status.Err}}' "${tasks[@]}" 2> /dev/null \
    | awk 'NF > 1' | sort | tail -n 1 | cut -d ' ' -f 2- || true
}

# Why an update failed, from its message, which names the task.
task_error() {
  local task error=""
  task="$(grep -oE 'task [a-z0-9]{20,}' <<< "$2" | cut -d ' ' -f 2)" || { last_error "$1"; return; }
  error="$(docker inspect --type task --format '{{.Status.Err}}' "$task" 2> /dev/null || true)"
  echo "${error:-$FORGOTTEN}"
}
