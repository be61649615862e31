"""The images of the stack, built on this machine, because the lab has no registry."""
