"""The names of all images that the stack needs."""

from lab import settings

# Each image that would otherwise come from a registry, and the folder with its Dockerfile in the lab.
SUBSTITUTES = {
    "mysql:9.7": "mysql",
    "redis:7-alpine": "redis",
    "postgres:15-alpine": "postgres",
    "temporalio/server:1.30.4": "temporal-server",
    "temporalio/admin-tools:1.30.4": "temporal-admin-tools",
    "temporalio/ui:2.54.1": "temporal-ui",
    "order-saga-lab/edge:1": "edge",
}


def services(tag: str = "latest") -> list[str]:
    """The images of the four services."""
    return [f"localhost:5000/{service}:{tag}" for service in settings.SERVICES]


def stack() -> list[str]:
    """All images of the stack."""
    return [*SUBSTITUTES, *services()]
