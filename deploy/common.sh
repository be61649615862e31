# Functions that the other scripts of this folder share. Source this file; do not run it.
# shellcheck shell=bash

# Swarm stops an unhealthy task. If the task then stops normally, Swarm forgets the reason.
FORGOTTEN="its health check failed, or its process ended"
ME="$(basename "$0" .sh)"

fail() {
  printf '%s: %s\n' "$ME" "$*" >&2
  exit 1
}

require_seconds() { [[ "$1" =~ ^[0-9]+$ ]] || fail "--timeout needs a number of seconds, but got: $1"; }

say() { printf '%s\n' "$*"; }

require_manager() {
  local state
  state="$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2> /dev/null)" \
    || fail "the Docker daemon does not answer: check with docker info whether it runs and whether you may use it"
  case "$state" in
    "active true") ;;
    "active false") fail "this node is a worker of the Swarm: run this script on a manager (docker node ls on a manager shows them)" ;;
    *) fail "this node is not in a Swarm: docker swarm init creates one" ;;
  esac
}

services_of() { docker stack services "$1" --format '{{.Name}}' 2> /dev/null | sort; }

# Prints service|state|start time of the update|message. The last three are empty if the service has never been updated.
update_status() {
  docker service inspect "$1" --format \
    '{{.Spec.Name}}|{{if .UpdateStatus}}{{.UpdateStatus.State}}|{{.UpdateStatus.StartedAt}}|{{.UpdateStatus.Message}}{{else}}||{{end}}'
}

# Prints "2/2" for a service, "0/1 (1/1 completed)" for a job.
replicas_of() { docker service ls --filter "name=$1" --format '{{.Name}} {{.Replicas}}' | sed -n "s|^$1 ||p"; }

is_complete() {
  local numbers="${1%% (max*}" # an ordinary service may have "2/2 (max 1 per node)"
  [[ "$numbers" =~ \(([0-9]+)/([0-9]+)\ completed\)$ || "$numbers" =~ ^([0-9]+)/([0-9]+)$ ]] \
    && [[ "${BASH_REMATCH[1]}" == "${BASH_REMATCH[2]}" ]]
}

# Prints the error of the task that failed last, in one line.
last_error() {
  local tasks
  mapfile -t tasks < <(docker service ps "$1" -q --no-trunc 2> /dev/null)
  ((${#tasks[@]})) || return 0
  docker inspect --type task --format '{{json .Status.Timestamp}} {{.Status.Err}}' "${tasks[@]}" 2> /dev/null \
    | awk 'NF > 1' | sort | tail -n 1 | cut -d ' ' -f 2- || true
}

# Prints why an update failed. The message of the update names the failed task.
task_error() {
  local task error=""
  task="$(grep -oE 'task [a-z0-9]{20,}' <<< "$2" | cut -d ' ' -f 2)" || { last_error "$1"; return; }
  error="$(docker inspect --type task --format '{{.Status.Err}}' "$task" 2> /dev/null || true)"
  echo "${error:-$FORGOTTEN}"
}
