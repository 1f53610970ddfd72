"""Environment, models and script → Dockerfile → image → registry. Build logs are kept, also of what failed.

``inputs`` is what an image is made of, ``plan`` and ``dockerfile`` are pure, ``build`` and ``transfer`` speak to the engine.
"""
