"""The checks of `./dev test swarm`. Each is a function; its docstring is the title in the output."""
