#!/bin/bash
# The guide's section 11 in the virtual machine, with the stack file as it is but for the probes' times.
# Lines that begin with WALK are the result; the others are for finding out what went wrong.
set -uo pipefail

files=(-c docker-stack.dev.yml -c deploy/lab/docker-stack.vm.yml)
ours=(orchestrator-temporal service-order service-inventory service-payment)

walk() { printf 'WALK [%5d s] %s\n' "$SECONDS" "$*"; }
give_up() {
  walk "FAILED: $*"
  docker stack ps myapp --no-trunc --format '{{.Name}} {{.CurrentState}} {{.Error}}'
  for service in $(docker stack services myapp -q); do docker service logs --raw --tail 5 "$service" 2>&1 | cut -c1-300; done
  exit 1
}
seconds_until() { # LIMIT COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do ((SECONDS < deadline)) || return 1; sleep 5; done
}

stands() {
  local now
  now="$(docker stack services myapp --format '{{.Name}} {{.Replicas}}' | sort)"
  [[ "$now" == "${shown:-}" ]] || { shown="$now"; echo "[$SECONDS s] ${now//$'\n'/, }"; }
  if ((SECONDS > ${told:-0} + 120)); then
    told=$SECONDS
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
# How many kinds of requests but the probe's a replica of service-order has answered.
served() {
  in_network_of "$1" curl -s --max-time 60 http://127.0.0.1:21082/actuator/prometheus \
    | grep '^http_server_requests_seconds_count' | grep -vc 'uri="/actuator' || true
}
tasks() { docker stack ps myapp --filter desired-state=running --format '{{.ID}} {{.Name}}' | grep -vE 'temporal-(schema|namespace)' | sort; }

walk "$ docker swarm init --advertise-addr 10.98.0.1"
docker swarm init --advertise-addr 10.98.0.1 || give_up "no Swarm"

walk "$ docker stack deploy --resolve-image never ${files[*]} myapp"
docker stack deploy --resolve-image never "${files[@]}" myapp || give_up "not deployed"
seconds_until 3000 stands || give_up "not all services stand"
walk "all services have their replicas:"
docker stack services myapp --format '{{.Name}} {{.Mode}} {{.Replicas}} {{.Ports}}' | sort | sed 's/^/WALK           /'

seconds_until 900 place localhost || give_up "no order is CONFIRMED: $answer"
walk "$ curl -X POST http://localhost:21081/api/temporal/orders …  through the ingress mesh: $answer"
seconds_until 300 place 10.98.0.1 || give_up "no order by the node's address: $answer"
walk "and by the node's address, 10.98.0.1:21081: CONFIRMED"
walk "the mesh's table (each published port is a firewall mark, with one line for each replica):"
nsenter --net=/var/run/docker/netns/ingress_sbox cat /proc/net/ip_vs | sed 's/^/WALK           /'

asker="$(replicas redis)"
for service in "${ours[@]}"; do
  port="$(case "$service" in orch*) echo 21081 ;; *order) echo 21082 ;; *inventory) echo 21083 ;; *) echo 21084 ;; esac)"
  address="$(docker exec "$asker" getent hosts "$service" | awk '{ print $1 }')"
  vips="$(docker service inspect -f '{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}' "myapp_$service")"
  [[ " $vips" == *" $address/"* ]] || give_up "$service resolves to $address, its virtual addresses are $vips"
  health="$(in_network_of "$asker" curl -sS --max-time 60 "http://$address:$port/actuator/health/readiness" 2>&1)"
  [[ "$health" == *UP* ]] || give_up "$service does not answer at its virtual address $address: $health"
  walk "$service resolves to its virtual address $address, and answers there: $health"
done

before="$(replicas service-order)"
walk "$ docker service scale myapp_service-order=3"
docker service scale --detach myapp_service-order=3
three() { (($(replicas service-order | wc -l) == 3)); }
seconds_until 1200 three || give_up "no third replica"
third="$(replicas service-order | grep -vxF "$before")"
used() { place localhost; (($(served "$third") > 0)); }
seconds_until 900 used || give_up "the third replica of service-order gets no traffic"
walk "the third replica of service-order got traffic"
two() { (($(replicas service-order | wc -l) == 2)); }
docker service scale --detach myapp_service-order=2
seconds_until 600 two || give_up "still three replicas"
seconds_until 300 place localhost || give_up "no order after scaling down: $answer"
walk "back to two replicas, and an order CONFIRMED"

first="$(tasks)"
walk "$ docker stack deploy, a second time"
docker stack deploy --resolve-image never "${files[@]}" myapp || give_up "not deployed"
sleep 60
seconds_until 900 stands || give_up "not all services stand after the second deployment"
[[ "$(tasks)" == "$first" ]] || give_up "tasks were replaced: $(diff <(echo "$first") <(tasks))"
walk "no task was replaced ($(wc -l <<< "$first") tasks)"

walk "$ docker stack rm myapp"
docker stack rm myapp
gone() { [[ -z "$(docker network ls -q --filter label=com.docker.stack.namespace=myapp)$(docker ps -q)" ]]; }
seconds_until 600 gone || give_up "something of the stack is left"
walk "$ docker swarm leave --force"
docker swarm leave --force || give_up "still in the Swarm"
