"""The lab: a Swarm of real Docker daemons on one machine (`./dev swarm`; see lab/README.md)."""
