"""Unit tests of the `./dev` command. They start no servers."""
