"""``ContainerRegistry``: where an image comes from. Credentials are Docker's own (``docker login``)."""

from __future__ import annotations

__all__ = ["ContainerRegistry"]


class ContainerRegistry:
    """Address and account of a registry."""

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None
