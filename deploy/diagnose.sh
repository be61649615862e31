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
    *'exec: "'* | *"executable file not found"*) echo "the image does not have the program that it is to run" ;;
    *"unhealthy container"* | *"health check failed"*) echo "its health check fails: what does its log say? If it only starts slowly, raise start_period" ;;
    *"bind source path does not exist"* | *"invalid mount"* | *"failed to mount"* | *"no such file or directory"*)
      echo "a volume cannot be mounted: does the path exist on that node?" ;;
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
    [[ -n "$error" ]] || ! docker service ps "$name" --format '{{.CurrentState}}' | grep -q '^Complete' \
      || error="$FORGOTTEN"
    found "$name has $replicas: ${error:-its tasks say nothing yet}"
    [[ -z "$error" ]] || note "cause: $(cause_of "$error")"
    log="$(timeout 5 docker service logs --raw --tail 3 "$name" 2>&1 | cut -c1-300 || true)"
    [[ -z "$log" ]] || note "log: ${log//$'\n'/$'\n'            }"
  fi
  local state message waits
  IFS='|' read -r _ state _ message <<< "$(update_status "$name")"
  case "$state" in
    rollback_completed) note "$name is what it was before its last update: Swarm or rollback.sh took that back" ;;
    updating)
      waits="$(docker service ps "$name" --no-trunc --filter desired-state=running --format '{{.CurrentState}}|{{.Error}}' \
        | sed -nE 's/^Pending[^|]*\|(.+)$/\1/p' | head -n 1)"
      [[ -z "$waits" ]] || found "$name: its update waits: $waits: $(cause_of "$waits")" ;;
    rollback_* | *paused) found "$name: its last update is ${state//_/ }: $message" ;;
  esac
}

# The `name:port` pairs in a service's environment: written as such, or as X_HOST and X_PORT, or as Temporal has them.
peers_of() {
  local environment
  environment="$(docker service inspect "$1" --format '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}')"
  {
    { grep -oE '(//|=)[a-z][a-z0-9._-]+:[0-9]{2,5}' <<< "$environment" || true; } | sed -E 's|^(//\|=)||'
    awk -F= '
      { value[$1] = $2 }
      END {
        for (name in value) if (name ~ /_HOST$/) {
          port = name; sub(/_HOST$/, "_PORT", port)
          if (value[port] != "") print value[name] ":" value[port]
        }
        if (value["POSTGRES_SEEDS"] != "") print value["POSTGRES_SEEDS"] ":" value["DB_PORT"]
      }' <<< "$environment"
  } | sort -u
}

networks_of() {
  docker service inspect "$1" --format '{{range .Spec.TaskTemplate.Networks}}{{println .Target}}{{end}}' | grep . | sort
}

shared_network() { # SERVICE SERVICE
  local id
  id="$(comm -12 <(networks_of "$1") <(networks_of "$2") | head -n 1)"
  [[ -z "$id" ]] || docker network inspect "$id" --format '{{.Name}}'
}

# Tries `host:port`s from one container in a network; prints each with what came of it.
try_from() { # NETWORK PEER…
  # shellcheck disable=SC2016  # the shell in the container expands it
  timeout 90 docker run --rm --network "$1" "$image" sh -c '
    for peer in "$@"; do
      if ! getent hosts "${peer%:*}" > /dev/null; then echo "$peer name"
      elif ! nc -z -w 3 "${peer%:*}" "${peer#*:}"; then echo "$peer port"
      else echo "$peer ok"; fi
    done' sh "${@:2}" 2> /dev/null || true
}

declare -A network_of=() result_of=() # by "SERVICE PEER"
ask() { # SERVICE PEER: in which network to try it, if it can be tried
  local host="${2%:*}" other network
  host="${host#tasks.}"
  other="${stack}_${host#"${stack}_"}"
  case "$host" in
    localhost | 127.*) found "${1#"${stack}_"} asks $2, and in a container localhost is that container"; return ;;
    *.*) note "${1#"${stack}_"} asks $2, which is outside the stack and was not tried"; return ;;
  esac
  if ! docker service inspect "$other" > /dev/null 2>&1; then
    found "${1#"${stack}_"} cannot reach $2: there is no service of that name: a typing error?"
    return
  fi
  network="$(shared_network "$1" "$other")"
  if [[ -n "$network" ]]; then network_of["$1 $2"]="$network"; else
    found "${1#"${stack}_"} cannot reach $2: they share no network: networks in the stack file"
  fi
}

tell() { # SERVICE PEER
  local pair="${1#"${stack}_"} cannot reach $2"
  case "${result_of[${network_of["$1 $2"]} $2]:-}" in
    ok) ;;
    name) found "$pair: the name does not resolve: no replica of ${2%:*} is healthy" ;;
    port) found "$pair: the name resolves and nobody answers on port ${2#*:}: is that the port inside the container?" ;;
    *) note "whether ${1#"${stack}_"} reaches $2 could not be tried: can this node run $image in its network?" ;;
  esac
}

connections() {
  local name peer network result
  for name in "$@"; do
    for peer in $(peers_of "$name"); do ask "$name" "$peer"; done
  done
  for network in $(printf '%s\n' "${network_of[@]}" | sort -u); do
    mapfile -t peers < <(for name in "${!network_of[@]}"; do
      [[ "${network_of[$name]}" != "$network" ]] || echo "${name#* }"
    done | sort -u)
    while read -r peer result; do result_of["$network $peer"]="$result"; done < <(try_from "$network" "${peers[@]}")
  done
  while read -r name peer; do [[ -z "$name" ]] || tell "$name" "$peer"; done \
    < <(printf '%s\n' "${!network_of[@]}" | sort)
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
  case "$status $availability" in
    "Ready Active") ;;
    "Ready Drain") note "node $name is $status and $availability" ;;
    *) found "node $name is $status and $availability" ;;
  esac
done < <(docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}}')
for service in "${services[@]}"; do service_health "$service"; done
connections "${services[@]}"
for service in orchestrator-temporal service-order service-inventory service-payment; do
  [[ " ${services[*]} " != *" ${stack}_$service "* ]] || downtime "${stack}_$service"
done
say "$stack: ${#services[@]} services, $faults fault(s)"
((faults == 0))
