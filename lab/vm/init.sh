#!/bin/bash
# The first process of the virtual machine (./dev swarm vm). It prepares the system, starts Docker and runs walk.sh.
cd /files || exit

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2> /dev/null
mkdir -p /dev/pts /dev/shm && mount -t devpts devpts /dev/pts && mount -t tmpfs tmpfs /dev/shm
for folder in /run /tmp; do mount -t tmpfs tmpfs "$folder"; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /var/lib/docker && mount /dev/ubdb /var/lib/docker

# Debian has two kinds of iptables. The legacy kind needs only the tables that this kernel has.
update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy
hostname node1
ip link set lo up
ip link add eth0 type dummy && ip addr add 10.98.0.1/24 dev eth0 && ip link set eth0 up
ip route add default via 10.98.0.254
echo 'nameserver 10.98.0.1' > /etc/resolv.conf
echo 1 > /proc/sys/net/ipv4/ip_forward
python3 /files/nxdomain.py 10.98.0.1 &

export PATH=/files/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1 dockerd --host=unix:///var/run/docker.sock > /tmp/dockerd.log 2>&1 &
until docker version > /dev/null 2>&1; do sleep 1; done

echo "WALK $(uname -sr), $(nproc) processors, Docker $(docker version --format '{{.Server.Version}}')"
if ./walk.sh && ./encrypted.sh; then echo 'WALK finished'; else echo 'WALK failed'; tail -n 50 /tmp/dockerd.log; fi
sync
echo o > /proc/sysrq-trigger
sleep 60
