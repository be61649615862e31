"""The `./dev` command, which starts and tests the product. Each sub-command has its own module."""
