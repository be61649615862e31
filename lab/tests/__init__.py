"""Unit tests of the lab. They start no Docker daemon."""
