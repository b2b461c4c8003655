"""The launcher: PostgreSQL, Redis and every ArtStore service on one machine, from one command."""
