"""The failure gallery: for each cause that can be produced, the smallest thing that really produces it.

``scripts`` are scoring scripts that fail on the local target, ``commands`` are tools that fail when they are really run: Python,
uv, pip, the Docker engine, the tools of Kubernetes. Nothing here is written by hand that a tool would have printed.
"""
