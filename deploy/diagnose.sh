#!/usr/bin/env bash
# Finds the faults of a stack: unavailable nodes, services with too few replicas (and why), updates that were rolled
# back, services that cannot reach each other, and settings that let clients notice an update. It changes nothing. The
# exit code is 1 if it found a fault.
#
#   deploy/diagnose.sh [STACK]                DIAGNOSE_IMAGE is an image with sh, getent and nc (default redis:7-alpine)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

stack="${1:-myapp}" image="${DIAGNOSE_IMAGE:-redis:7-alpine}" faults=0
found() { say "FAULT  $*"; faults=$((faults + 1)); }
note() { say "       $*"; }

# Translates the error of a task into its cause. Prints nothing for an error that it does not know.
cause_of() {
  case "$1" in
    *"No such image"* | *"manifest unknown"* | *"pull access denied"* | *"not found: manifest"*)
      echo "the image cannot be pulled: check that it is in the registry and that every node can reach the registry (REGISTRY, TAG, docker login)" ;;
    *"not available for new tasks"*) echo "every node that may run it is drained or paused: run docker node update --availability active NODE" ;;
    *"scheduling constraints"*) echo "no node satisfies its placement: check docker node ls, or add a label with docker node update --label-add" ;;
    *"insufficient resources"*) echo "no node has the CPU or memory that it reserves: check docker node inspect NODE" ;;
    *"only "*" CPUs available"*) echo "its CPU limit is above the number of CPUs of a node: lower limits.cpus" ;;
    *"port already in use"*) echo "its port is already in use on every node" ;;
    *'exec: "'* | *"executable file not found"*) echo "the image does not contain the program that it must run" ;;
    *"unhealthy container"* | *"health check failed"*) echo "its health check fails: read its log. If it only starts slowly, raise start_period" ;;
    *"bind source path does not exist"* | *"invalid mount"* | *"failed to mount"* | *"no such file or directory"*)
      echo "a volume cannot be mounted: check that the path exists on that node" ;;
    *"non-zero exit (2)"*) echo "a setting is wrong: the last line of its log names it" ;;
    *"non-zero exit (137)"*) echo "it was killed: it used more memory than limits.memory, or it did not stop in time" ;;
    *"non-zero exit"*) echo "its process ended: its log says why" ;;
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
    found "$name has $replicas replicas: ${error:-its tasks report nothing yet}"
    [[ -z "$error" ]] || note "cause: $(cause_of "$error")"
    log="$(timeout 5 docker service logs --raw --tail 3 "$name" 2>&1 | cut -c1-300 || true)"
    [[ -z "$log" ]] || note "log: ${log//$'\n'/$'\n'            }"
  fi
  local state message waits
  IFS='|' read -r _ state _ message <<< "$(update_status "$name")"
  case "$state" in
    rollback_completed) note "$name: its last update was rolled back, by Swarm or by rollback.sh" ;;
    updating)
      waits="$(docker service ps "$name" --no-trunc --filter desired-state=running --format '{{.CurrentState}}|{{.Error}}' \
        | sed -nE 's/^Pending[^|]*\|(.+)$/\1/p' | head -n 1)"
      [[ -z "$waits" ]] || found "$name: its update waits: $waits: $(cause_of "$waits")" ;;
    rollback_* | *paused) found "$name: its last update is ${state//_/ }: $message" ;;
  esac
}

# Prints the `name:port` pairs in a service's environment: name:port, X_HOST with X_PORT, and Temporal's variables.
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

# Connects to each `host:port` from one container in a network. Prints each with ok, name (unknown) or port (no answer).
try_from() { # NETWORK PEER…
  # shellcheck disable=SC2016  # the shell in the container expands it
  timeout 90 docker run --rm --network "$1" "$image" sh -c '
    for peer in "$@"; do
      if ! getent hosts "${peer%:*}" > /dev/null; then echo "$peer name"
      elif ! nc -z -w 3 "${peer%:*}" "${peer#*:}"; then echo "$peer port"
      else echo "$peer ok"; fi
    done' sh "${@:2}" 2> /dev/null || true
}

declare -A network_of=() # "SERVICE PEER" -> the network for the test
declare -A result_of=() # "NETWORK PEER" -> ok, name or port
ask() { # SERVICE PEER: finds the network for the test, or reports why there is none
  local host="${2%:*}" other network
  host="${host#tasks.}"
  other="${stack}_${host#"${stack}_"}"
  case "$host" in
    localhost | 127.*) found "${1#"${stack}_"} calls $2, but inside a container localhost is that container itself"; return ;;
    *.*) note "${1#"${stack}_"} calls $2: this was not tested, because it is outside the stack"; return ;;
  esac
  if ! docker service inspect "$other" > /dev/null 2>&1; then
    found "${1#"${stack}_"} cannot reach $2: there is no service with this name (check the spelling)"
    return
  fi
  network="$(shared_network "$1" "$other")"
  if [[ -n "$network" ]]; then network_of["$1 $2"]="$network"; else
    found "${1#"${stack}_"} cannot reach $2: the two share no network (check networks in the stack file)"
  fi
}

report() { # SERVICE PEER
  local pair="${1#"${stack}_"} cannot reach $2"
  case "${result_of[${network_of["$1 $2"]} $2]:-}" in
    ok) ;;
    name) found "$pair: the name does not resolve, because no replica of ${2%:*} is healthy" ;;
    port) found "$pair: the name resolves, but nothing answers on port ${2#*:} (use the port inside the container)" ;;
    *) note "could not test whether ${1#"${stack}_"} reaches $2: check that this node can run $image in its network" ;;
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
  while read -r name peer; do [[ -z "$name" ]] || report "$name" "$peer"; done \
    < <(printf '%s\n' "${!network_of[@]}" | sort)
}

# Reports the settings that let clients notice a rolling update.
downtime() {
  local name="$1" replicas order probe grace
  read -r replicas order probe grace <<< "$(docker service inspect "$name" --format \
    '{{if .Spec.Mode.Replicated}}{{.Spec.Mode.Replicated.Replicas}}{{else}}-{{end}} {{if .Spec.UpdateConfig}}{{.Spec.UpdateConfig.Order}}{{else}}stop-first{{end}} {{if .Spec.TaskTemplate.ContainerSpec.Healthcheck}}yes{{else}}no{{end}} {{.Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}')"
  local faulty=()
  [[ "$replicas" == - || "$replicas" -ge 2 ]] || faulty+=("only $replicas replica")
  [[ "$order" == start-first ]] || faulty+=("order $order")
  [[ "$probe" == yes ]] || faulty+=("no health check")
  [[ "$grace" != "<nil>" && ! "$grace" =~ ^[12]?[0-9]s$ ]] || faulty+=("stop_grace_period under 30 s")
  ((${#faulty[@]} == 0)) || note "clients may notice an update of $name: $(IFS=,; echo "${faulty[*]}")"
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
