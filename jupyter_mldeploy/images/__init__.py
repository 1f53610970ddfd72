"""Environment, models and script → Dockerfile → image → registry. Build logs are kept, also of what failed."""
