#!/usr/bin/env bash
# Deploys the stack and waits until every service has its replicas. Fails if Swarm rolled back or paused an update, or
# if a service is not complete before the time-out. (`docker stack deploy` alone returns 0 in all of these cases.)
#
#   deploy/deploy.sh [-c STACK_FILE]... [--timeout SECONDS] [STACK] [-- OPTIONS OF docker stack deploy]
#
# REGISTRY and TAG choose the images. The default stack file is docker-stack.dev.yml, the default stack is myapp.
# With deploy/docker-stack.secrets.yml the plain passwords are left out, even if the environment has them.
set -euo pipefail
from="$PWD"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/common.sh
source deploy/common.sh

files=() stack=myapp timeout=300 options=()
while (($#)); do
  case "$1" in
    -c)
      file="${2:?-c needs a file}"
      [[ "$file" == /* || ! -e "$from/$file" ]] || file="$from/$file"
      files+=(-c "$file")
      shift 2
      ;;
    --timeout) timeout="${2:?--timeout needs a number of seconds}"; shift 2 ;;
    --) shift; options=("$@"); break ;;
    -*) fail "unknown option $1" ;;
    *) stack="$1"; shift ;;
  esac
done
require_seconds "$timeout"
((${#files[@]})) || files=(-c docker-stack.dev.yml)

# An override file cannot remove the plain passwords from its base file. So the variant with secrets names the variables
# that must be empty, and this function makes them empty.
empty_plain_passwords() {
  local name
  while read -r name; do
    [[ -z "${!name:-}" ]] || say "$name is not used: the password comes from a Docker secret"
    export "$name="
  done < <(cat -- "$@" 2> /dev/null | sed -nE 's/.*\$\{([A-Z_]+)\?must be set and empty\}.*/\1/p' | sort -u)
}

# Prints the external secrets, networks or configs that the config on stdin needs: they must exist before deployment.
external_names() {
  awk -v kind="$1:" '
    /^[^ ]/ { inside = ($1 == kind) }
    inside && /^  [^ ]/ { name = $1; sub(/:$/, "", name) }
    inside && /^    name:/ { name = $2 }
    inside && /^    external: true/ { wanted[name] }
    END { for (name in wanted) print name }' | sort
}

check_external() {
  local kind
  for kind in secret network config; do
    external_names "${kind}s" <<< "$config" | while read -r name; do
      docker "$kind" inspect "$name" > /dev/null 2>&1 \
        || fail "$kind $name is missing: create it with docker $kind create $name (deploy/secrets.sh creates our secrets)"
    done || return 1
  done
}

# Prints "LABEL=VALUE" or "LABEL=VALUE manager" for each node label that a service of the config on stdin requires.
wanted_labels() {
  tr -d "'\"" | awk '
    /^[^ ]/ { inside = ($1 == "services:") }
    inside && /^  [^ ]/ { service = $1 }
    inside && /- node\.role ?== ?manager/ { manager[service] = " manager" }
    inside && match($0, /node\.labels\.[A-Za-z0-9_.-]+ ?== ?[A-Za-z0-9_.-]+/) {
      label = substr($0, RSTART + 12, RLENGTH - 12); sub(/ ?== ?/, "=", label)
      wanted[service, label] = service; named[service, label] = label
    }
    END { for (one in wanted) print named[one] manager[wanted[one]] }' | sort -u
}

check_labels() {
  local label role filters
  wanted_labels <<< "$config" | while read -r label role; do
    filters=(--filter "node.label=$label")
    [[ -z "$role" ]] || filters+=(--filter "role=$role")
    [[ -n "$(docker node ls -q "${filters[@]}")" ]] \
      || fail "no ${role:-node} has the label $label: add it with docker node update --label-add $label NODE"
  done
}

images_of_config() { grep -E '^    image: ' <<< "$config" | awk '{ print $2 }' | sort -u; }
in_registry() { docker manifest inspect --insecure "$1" > /dev/null 2>&1; }

check_images() {
  local image nodes
  nodes="$(docker node ls -q | wc -l)"
  images_of_config | while read -r image; do
    if docker image inspect "$image" > /dev/null 2>&1; then
      ((nodes == 1)) || in_registry "$image" \
        || say "image $image is only on this node, but the other nodes need it too: push it with deploy/build.sh --push"
    else
      in_registry "$image" \
        || fail "image $image is neither on this node nor in its registry: push it with deploy/build.sh --push, or correct REGISTRY and TAG"
    fi
  done
}

# The networks of a removed stack still exist for a moment, and a service cannot join a network that is being removed.
wait_for_removal() {
  local deadline=$((SECONDS + 20))
  [[ -z "$(services_of "$stack")" ]] || return 0
  while [[ -n "$(docker network ls -q --filter "label=com.docker.stack.namespace=$stack")" ]] && ((SECONDS < deadline)); do
    sleep 1
  done
}

image_of() { docker service inspect "$1" --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}' | cut -d @ -f 1; }

# A stack that runs with secrets must not be deployed without them: its databases do not know the plain passwords.
check_secrets_stay() {
  local service
  ! grep -q '^secrets:' <<< "$config" || return 0
  for service in $(services_of "$stack"); do
    [[ -z "$(docker service inspect "$service" --format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}}{{end}}')" ]] \
      || fail "$service runs with Docker secrets, but the given files have none: add -c deploy/docker-stack.secrets.yml"
  done
}

# `docker stack deploy` compares the image in the file with the image that it last deployed. Without this function, it
# would keep an image that was set by hand.
forget_images_set_by_hand() {
  local service running deployed
  for service in $(services_of "$stack"); do
    running="$(image_of "$service")"
    deployed="$(docker service inspect "$service" --format '{{index .Spec.Labels "com.docker.stack.image"}}' | cut -d @ -f 1)"
    [[ -n "$deployed" && "$running" != "$deployed" ]] || continue
    say "$service runs $running, which was set by hand: it now gets the image of the stack file"
    docker service update --detach -q --no-resolve-image --label-add com.docker.stack.image=by-hand "$service" > /dev/null \
      || fail "$service: docker service update failed"
  done
}

# If only the content of a tag changed, the specification is the same and Swarm replaces no task.
report_old_images() {
  local container service image running
  docker ps --filter "label=com.docker.stack.namespace=$stack" --format '{{.ID}} {{.Label "com.docker.swarm.service.name"}}' \
    | while read -r container service; do
      image="$(image_of "$service")"
      running="$(docker inspect --format '{{.Image}}' "$container")"
      [[ "$(docker image inspect --format '{{.Id}}' "$image" 2> /dev/null || echo "$running")" == "$running" ]] \
        || say "$service still runs another build of $image than this node has: deploy a new TAG, or run docker service update --force $service"
    done | sort -u
}

# Prints the part of the specification that makes Swarm replace the tasks when it changes.
task_spec() { docker service inspect "$1" --format '{{json .Spec.TaskTemplate}}{{json .Spec.EndpointSpec}}' 2> /dev/null || true; }

declare -A spec_before=() status_before=() updating=()
remember() {
  for service in $(services_of "$stack"); do
    spec_before[$service]="$(task_spec "$service")"
    status_before[$service]="$(update_status "$service")"
  done
}

# Ends the deployment with an error, because Swarm rolled back or paused an update. Waits while a rollback is running.
fail_rolled_back() {
  local service="$1" deadline=$((SECONDS + timeout)) state cause other others=()
  cause="$(task_error "$service" "$2")"
  while
    IFS='|' read -r _ state _ <<< "$(update_status "$service")"
    [[ "$state" == rollback_started ]] && ((SECONDS < deadline))
  do sleep 1; done
  for other in "${!updating[@]}"; do [[ "$other" == "$service" ]] || others+=("$other"); done
  ((${#others[@]} == 0)) || cause+="; the update of ${others[*]} continues"
  fail "$service: its update failed, ${state//_/ }: $cause (deploy/diagnose.sh $stack)"
}

# Prints what a service still lacks, or nothing if it is complete. Ends the deployment if Swarm rolled an update back.
# Swarm needs a moment to report that an update began. It never reports the update of a job. It also never reports an
# update that replaces no task, for example a new placement that the tasks already satisfy.
lacking() {
  local service="$1" status state message replicas
  status="$(update_status "$service")"
  IFS='|' read -r _ state _ message <<< "$status"
  if [[ -n "${updating[$service]:-}" ]]; then
    if [[ -z "$state" || "$status" == "${status_before[$service]:-}" ]]; then
      ((SECONDS >= noticed_by)) || { echo "is being updated"; return; }
    else
      case "$state" in
        updating) echo "is being updated"; return ;;
        rollback_*) fail_rolled_back "$service" "$message" ;;
      esac
    fi
  fi
  [[ "$state" != paused && "$state" != rollback_paused ]] || fail_rolled_back "$service" "$message"
  replicas="$(replicas_of "$service")"
  is_complete "$replicas" || echo "has $replicas replicas"
}

wait_until_complete() {
  local deadline=$((SECONDS + timeout)) missing service lack calm=0
  while ((calm < 2)); do
    missing=()
    for service in $(services_of "$stack"); do
      lack="$(lacking "$service")" || exit 1
      [[ -z "$lack" ]] || missing+=("$service $lack: $(last_error "$service")")
    done
    if ((${#missing[@]} == 0)); then calm=$((calm + 1)); else calm=0; fi
    ((SECONDS < deadline)) || fail "not complete after $timeout s: $(printf '%s; ' "${missing[@]}")see deploy/diagnose.sh $stack"
    sleep 1
  done
}

require_manager
stack_files=()
for word in "${files[@]}"; do [[ "$word" == -c ]] || stack_files+=("$word"); done
empty_plain_passwords "${stack_files[@]}"
[[ "$(docker stack config --help 2>&1)" == *--compose-file* ]] || fail "this docker command is older than version 23 and cannot deploy jobs: install docker-ce-cli"
config="$(docker stack config "${files[@]}" 2>&1)" || fail "the stack file is wrong: $config"
check_external || exit 1
check_labels || exit 1
check_images || exit 1
check_secrets_stay
forget_images_set_by_hand
wait_for_removal
remember
result="$(docker stack deploy --with-registry-auth --resolve-image changed "${options[@]}" "${files[@]}" "$stack" 2>&1)" || fail "${result##*$'\n'}"
for service in "${!spec_before[@]}"; do
  [[ "${spec_before[$service]}" == "$(task_spec "$service")" ]] || updating[$service]=yes
done
noticed_by=$((SECONDS + 10))
wait_until_complete
report_old_images
updated="none"
((${#updating[@]} == 0)) || updated="${!updating[*]}"
say "$stack is up: $(services_of "$stack" | wc -l) services, updated: $updated"
