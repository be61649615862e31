#!/bin/bash
# Starts a second node in separate namespaces of the virtual machine, and checks an encrypted overlay network.
set -uo pipefail

walk() { printf 'WALK [%5d s] %s\n' "$SECONDS" "$*"; }
fail() {
  walk "FAILED: $*"
  tail -n 30 /tmp/node2.log
  exit 1
}
second() { docker -H unix:///tmp/node2.sock "$@"; }

ip netns add node2
ip link add to-node2 type veth peer name eth0 netns node2
ip addr add 10.97.0.1/24 dev to-node2 && ip link set to-node2 up
ip -n node2 addr add 10.97.0.2/24 dev eth0 && ip -n node2 link set eth0 up && ip -n node2 link set lo up

nsenter --net=/run/netns/node2 unshare --mount --uts bash -euc '
  hostname node2
  mount --make-rprivate /
  mkdir -p /run/cgroup && mount --rbind /sys/fs/cgroup /run/cgroup
  mount -t sysfs sysfs /sys && mount --rbind /run/cgroup /sys/fs/cgroup
  mkdir -p /run/docker /run/docker-2 && mount -t tmpfs tmpfs /run/docker
  exec dockerd --data-root=/var/lib/docker/node2 --exec-root=/run/docker-2 --pidfile=/run/docker-2.pid \
    --host=unix:///tmp/node2.sock' > /tmp/node2.log 2>&1 &
until second version > /dev/null 2>&1; do sleep 1; done
docker save redis:7-alpine | second load -q

docker swarm init --advertise-addr 10.97.0.1 > /dev/null || fail "docker swarm init failed"
second swarm join --token "$(docker swarm join-token -q worker)" 10.97.0.1:2377 || fail "node2 does not join the Swarm"
walk "$ docker network create --driver overlay --opt encrypted --attachable closed   (on two nodes)"
docker network create --driver overlay --opt encrypted --attachable closed || fail "the encrypted network was not created"
docker service create --detach -q --no-resolve-image --name far --network closed \
  --constraint node.hostname==node2 redis:7-alpine || fail "the service was not created"
until [[ "$(docker service ls --filter name=far --format '{{.Replicas}}')" == 1/1 ]]; do
  ((SECONDS < 900)) || fail "far does not start: $(docker service ps far --no-trunc --format '{{.CurrentState}} {{.Error}}')"
  sleep 2
done

answer="$(docker run --rm --network closed redis:7-alpine sh -c \
  'getent hosts far; for try in 1 2 3 4 5 6; do redis-cli -h far ping && exit; sleep 5; done' 2>&1)"
[[ "$answer" == *PONG* ]] || fail "far does not answer over the encrypted overlay: $answer"
walk "a container on node1 reaches far, on node2, through its virtual IP: ${answer//$'\n'/ }"
packets="$(ip -s xfrm state | grep -A1 'lifetime current' | awk '/bytes/ { bytes += $1; packets += $2 } END { print bytes " bytes in " packets " packets" }')"
[[ "$packets" != "0 bytes"* && "$packets" != " bytes"* ]] || fail "no packet went through IPsec: $(ip -s xfrm state | head -20)"
walk "IPsec (ESP, $(ip xfrm state | awk '/aead|enc / { print $2; exit }')) carried $packets on node1"
docker service rm far
second swarm leave
docker swarm leave --force
