"""A Swarm of real Docker daemons on one machine: `./dev swarm` (what is real in it: docs/swarm-lab.md)."""
