"""A virtual machine whose kernel has IPVS, for the stack without the lab's changes."""
