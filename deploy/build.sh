#!/usr/bin/env bash
# Builds and tags the images of the four services: ${REGISTRY:-localhost:5000}/<service>:${TAG:-latest}
#
#   deploy/build.sh [--push] [--report] [OPTIONS OF docker build]     for example --network host, --no-cache
#
# --push pushes the images. --report prints the size, the layers and the files of each image.
# Every program knows its version (the tag, or the one in Cargo.toml) and its git revision; /actuator/info shows both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

services=(service-order service-inventory service-payment orchestrator-temporal)
registry="${REGISTRY:-localhost:5000}" tag="${TAG:-latest}" push=no report=no options=()
for word in "$@"; do
  case "$word" in
    --push) push=yes ;;
    --report) report=yes ;;
    *) options+=("$word") ;;
  esac
done

revision="$(git rev-parse HEAD 2> /dev/null || echo unknown)"
[[ -z "$(git status --porcelain 2> /dev/null)" ]] || revision+="-dirty"
version="$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml)"
[[ "$tag" == latest ]] || version="$tag"

contents() {
  local container
  container="$(docker create "$1")"
  docker export "$container" | tar -tv | awk '$1 !~ /^d/ { printf "  %10s %s %s %s\n", $3, $6, $7, $8 }'
  docker rm "$container" > /dev/null
}

for service in "${services[@]}"; do
  image="$registry/$service:$tag"
  docker build -f deploy/Dockerfile --build-arg "SERVICE=$service" --build-arg "VERSION=$version" \
    --build-arg "REVISION=$revision" -t "$image" "${options[@]}" .
  [[ "$push" == no ]] || docker push "$image"
done

for service in "${services[@]}"; do
  image="$registry/$service:$tag"
  docker image inspect "$image" --format "$image {{.Size}} bytes, {{len .RootFS.Layers}} layers, user {{.Config.User}}"
  [[ "$report" == no ]] || contents "$image"
done
