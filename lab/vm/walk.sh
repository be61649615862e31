#!/bin/bash
# Section 11 of the Korean deployment guide (see docs/guide-deviations.md) in the virtual machine. Only the times of the
# probes differ from docker-stack.dev.yml. Lines that begin with WALK are the result; the others help to find a fault.
set -uo pipefail

files=(-c docker-stack.dev.yml -c lab/docker-stack.vm.yml)
services=(orchestrator-temporal service-order service-inventory service-payment)

walk() { printf 'WALK [%5d s] %s\n' "$SECONDS" "$*"; }
fail() {
  walk "FAILED: $*"
  docker stack ps myapp --no-trunc --format '{{.Name}} {{.CurrentState}} {{.Error}}'
  for service in $(docker stack services myapp -q); do docker service logs --raw --tail 5 "$service" 2>&1 | cut -c1-300; done
  exit 1
}
wait_for() { # SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do ((SECONDS < deadline)) || return 1; sleep 5; done
}

complete() {
  local now
  now="$(docker stack services myapp --format '{{.Name}} {{.Replicas}}' | sort)"
  [[ "$now" == "${shown:-}" ]] || { shown="$now"; echo "[$SECONDS s] ${now//$'\n'/, }"; }
  if ((SECONDS > ${reported:-0} + 120)); then
    reported=$SECONDS
    docker stack ps myapp --no-trunc --format '{{.Name}} {{.CurrentState}} {{.Error}}' | grep -v Shutdown | cut -c1-300
    for service in service-order orchestrator-temporal temporal-namespace; do
      timeout 30 docker service logs --raw --tail 2 "myapp_$service" 2>&1 | cut -c1-300 | sed "s/^/[$service] /"
    done
  fi
  ! sed -E 's/^[^ ]+ //; s|^0/1 \(([0-9]+/[0-9]+) completed\)$|\1|' <<< "$now" | grep -vqE '^([0-9]+)/\1$'
}

place() { # HOST
  answer="$(curl -sS --max-time 120 -X POST "http://$1:21081/api/temporal/orders" -H 'Content-Type: application/json' \
    -d '{"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000}' 2>&1)"
  [[ "$answer" == *'"status":"CONFIRMED"'* ]]
}

pid_of() { docker inspect -f '{{.State.Pid}}' "$1"; }
replicas() { docker ps -q --filter "name=myapp_$1\\." --filter health=healthy; }
in_network_of() { nsenter -t "$(pid_of "$1")" -n "${@:2}"; }
# Prints the number of different requests that a replica of service-order has answered, not counting those of the probe.
served() {
  in_network_of "$1" curl -s --max-time 60 http://127.0.0.1:21082/actuator/prometheus \
    | grep '^http_server_requests_seconds_count' | grep -vc 'uri="/actuator' || true
}
tasks() { docker stack ps myapp --filter desired-state=running --format '{{.ID}} {{.Name}}' | grep -vE 'temporal-(schema|namespace)' | sort; }

walk "$ docker swarm init --advertise-addr 10.98.0.1"
docker swarm init --advertise-addr 10.98.0.1 || fail "docker swarm init failed"

walk "$ docker stack deploy --resolve-image never ${files[*]} myapp"
docker stack deploy --resolve-image never "${files[@]}" myapp || fail "docker stack deploy failed"
wait_for 3000 complete || fail "not all services have their replicas"
walk "all services have their replicas:"
docker stack services myapp --format '{{.Name}} {{.Mode}} {{.Replicas}} {{.Ports}}' | sort | sed 's/^/WALK           /'

wait_for 900 place localhost || fail "no order is CONFIRMED: $answer"
walk "$ curl -X POST http://localhost:21081/api/temporal/orders …  through the ingress mesh: $answer"
wait_for 300 place 10.98.0.1 || fail "no order through the address of the node: $answer"
walk "through the address of the node, 10.98.0.1:21081: CONFIRMED"
walk "the table of the mesh (each published port is a firewall mark, with one line per replica):"
nsenter --net=/var/run/docker/netns/ingress_sbox cat /proc/net/ip_vs | sed 's/^/WALK           /'

client="$(replicas redis)"
for service in "${services[@]}"; do
  port="$(case "$service" in orch*) echo 21081 ;; *order) echo 21082 ;; *inventory) echo 21083 ;; *) echo 21084 ;; esac)"
  address="$(docker exec "$client" getent hosts "$service" | awk '{ print $1 }')"
  vips="$(docker service inspect -f '{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}' "myapp_$service")"
  [[ " $vips" == *" $address/"* ]] || fail "$service resolves to $address, but its virtual IPs are $vips"
  health="$(in_network_of "$client" curl -sS --max-time 60 "http://$address:$port/actuator/health/readiness" 2>&1)"
  [[ "$health" == *UP* ]] || fail "$service does not answer at its virtual IP $address: $health"
  walk "$service resolves to its virtual IP $address, and answers there: $health"
done

before="$(replicas service-order)"
walk "$ docker service scale myapp_service-order=3"
docker service scale --detach myapp_service-order=3
three() { (($(replicas service-order | wc -l) == 3)); }
wait_for 1200 three || fail "the third replica is not healthy"
third="$(replicas service-order | grep -vxF "$before")"
used() { place localhost; (($(served "$third") > 0)); }
wait_for 900 used || fail "the third replica of service-order gets no traffic"
walk "the third replica of service-order got traffic"
two() { (($(replicas service-order | wc -l) == 2)); }
docker service scale --detach myapp_service-order=2
wait_for 600 two || fail "the third replica is not removed"
wait_for 300 place localhost || fail "no order after scaling down: $answer"
walk "two replicas again, and an order CONFIRMED"

first="$(tasks)"
walk "$ docker stack deploy, a second time"
docker stack deploy --resolve-image never "${files[@]}" myapp || fail "docker stack deploy failed"
sleep 60
wait_for 900 complete || fail "not all services have their replicas after the second deployment"
[[ "$(tasks)" == "$first" ]] || fail "tasks were replaced: $(diff <(echo "$first") <(tasks))"
walk "no task was replaced ($(wc -l <<< "$first") tasks)"

walk "$ docker stack rm myapp"
docker stack rm myapp
removed() { [[ -z "$(docker network ls -q --filter label=com.docker.stack.namespace=myapp)$(docker ps -q)" ]]; }
wait_for 600 removed || fail "the stack is not removed completely"
walk "$ docker swarm leave --force"
docker swarm leave --force || fail "docker swarm leave failed"
