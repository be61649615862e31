#!/usr/bin/env bash
# Says why a stack does not do what it should: nodes, services short of replicas and why, updates that went back, who
# cannot reach whom, and what would make an update felt. Changes nothing. Exit code 1 if it found a fault.
#
#   deploy/diagnose.sh [STACK]                   DIAGNOSE_IMAGE: an image with sh, getent and nc (redis:7-alpine)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

stack="${1:-myapp}" image="${DIAGNOSE_IMAGE:-redis:7-alpine}" faults=0
found() { say "FAULT  $*"; faults=$((faults + 1)); }
note() { say "       $*"; }

# The cause behind what Swarm says of a task.
cause_of() {
  case "$1" in
    *"No such image"* | *"manifest unknown"* | *"pull access denied"* | *"not found: manifest"*)
      echo "the image cannot be pulled: is it in the registry, and does every node reach that? (REGISTRY, TAG, docker login)" ;;
    *"not available for new tasks"*) echo "every node that may run it is drained or paused: docker node update --availability active NODE" ;;
    *"scheduling constraints"*) echo "no node satisfies its placement: docker node ls, docker node update --label-add" ;;
    *"insufficient resources"*) echo "no node has the CPU or memory that it reserves: docker node inspect NODE" ;;
    *"only "*" CPUs available"*) echo "its CPU limit is above what a node has: lower limits.cpus" ;;
    *"port already in use"*) echo "its port is taken on every node" ;;
    *"unhealthy container"*) echo "its health check fails: what does its log say? If it only starts slowly, raise start_period" ;;
    *"bind source path does not exist"* | *"invalid mount"* | *"failed to mount"* | *"no such file or directory"*)
      echo "a volume cannot be mounted: does the path exist on that node?" ;;
    *"executable file not found"*) echo "the image does not have the program that it is to run" ;;
    *"non-zero exit (2)"*) echo "a setting is wrong: the last line of its log names it" ;;
    *"non-zero exit (137)"*) echo "it was killed: out of memory (limits.memory), or it did not stop in time" ;;
    *"non-zero exit"*) echo "it ended by itself: its log says why" ;;
    *) echo "" ;;
  esac
}

service_health() {
  local name="$1" replicas error log
  replicas="$(replicas_of "$name")"
  if ! is_complete "$replicas"; then
    error="$(last_error "$name")"
    found "$name has $replicas: ${error:-its tasks say nothing yet}"
    [[ -z "$error" ]] || note "cause: $(cause_of "$error")"
    log="$(timeout 10 docker service logs --raw --tail 3 "$name" 2>&1 | cut -c1-300 || true)"
    [[ -z "$log" ]] || note "log: ${log//$'\n'/$'\n'            }"
  fi
  local state message
  IFS='|' read -r _ state _ message <<< "$(update_status "$name")"
  case "$state" in
    rollback_completed) note "$name is what it was before its last update: Swarm or rollback.sh took that back" ;;
    rollback_* | *paused) found "$name: its last update is ${state//_/ }: $message" ;;
  esac
}

# The `name:port` pairs in a service's environment, as far as they look like services.
peers_of() {
  docker service inspect "$1" --format '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}' \
    | { grep -oE '(//|=)[a-z][a-z0-9.-]+:[0-9]{2,5}' || true; } | sed -E 's|^(//\|=)||' | sort -u
}

networks_of() {
  docker service inspect "$1" --format '{{range .Spec.TaskTemplate.Networks}}{{println .Target}}{{end}}' | grep . | sort
}

# Why a service cannot reach `host:port`; nothing if it can.
unreachable() {
  local from="$1" host="${2%:*}" port="${2#*:}" shared answer
  docker service inspect "${stack}_$host" > /dev/null 2>&1 || { echo "there is no service of that name: a typing error?"; return; }
  shared="$(comm -12 <(networks_of "$from") <(networks_of "${stack}_$host") | head -n 1)"
  [[ -n "$shared" ]] || { echo "they share no network: networks in the stack file"; return; }
  shared="$(docker network inspect "$shared" --format '{{.Name}}')"
  answer="$(timeout 60 docker run --rm --network "$shared" "$image" sh -c \
    "getent hosts $host > /dev/null || { echo name; exit; }; nc -z -w 3 $host $port || echo port" 2>&1 || true)"
  case "$answer" in
    '') ;;
    name) echo "the name does not resolve: no replica of $host is healthy" ;;
    port) echo "the name resolves and nobody answers on port $port: is that the port inside the container?" ;;
    *) echo "could not be tried: ${answer##*$'\n'}" ;;
  esac
}

connections() {
  local name peer why
  declare -A known
  for name in "$@"; do
    for peer in $(peers_of "$name"); do
      known[$peer]="${known[$peer]-$(unreachable "$name" "$peer")}"
      why="${known[$peer]}"
      [[ -z "$why" ]] || found "${name#"${stack}_"} cannot reach $peer: $why"
    done
  done
}

# What makes a rolling update felt by clients.
downtime() {
  local name="$1" replicas order probe grace
  read -r replicas order probe grace <<< "$(docker service inspect "$name" --format \
    '{{if .Spec.Mode.Replicated}}{{.Spec.Mode.Replicated.Replicas}}{{else}}-{{end}} {{if .Spec.UpdateConfig}}{{.Spec.UpdateConfig.Order}}{{else}}stop-first{{end}} {{if .Spec.TaskTemplate.ContainerSpec.Healthcheck}}yes{{else}}no{{end}} {{.Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}')"
  local faulty=()
  [[ "$replicas" == - || "$replicas" -ge 2 ]] || faulty+=("only $replicas replica")
  [[ "$order" == start-first ]] || faulty+=("order $order")
  [[ "$probe" == yes ]] || faulty+=("no health check")
  [[ "$grace" != "<nil>" && ! "$grace" =~ ^[12]?[0-9]s$ ]] || faulty+=("stop_grace_period under 30 s")
  ((${#faulty[@]} == 0)) || note "an update of $name may be felt: $(IFS=,; echo "${faulty[*]}")"
}

require_manager
mapfile -t services < <(services_of "$stack")
((${#services[@]})) || fail "there is no stack $stack (docker stack ls)"
while read -r name status availability; do
  [[ "$status $availability" == "Ready Active" ]] || found "node $name is $status and $availability"
done < <(docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}}')
for service in "${services[@]}"; do service_health "$service"; done
connections "${services[@]}"
for service in orchestrator-temporal service-order service-inventory service-payment; do
  [[ " ${services[*]} " != *" ${stack}_$service "* ]] || downtime "${stack}_$service"
done
say "$stack: ${#services[@]} services, $faults fault(s)"
((faults == 0))
