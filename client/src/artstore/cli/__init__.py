"""The `artstore` command: the SDK for people and scripts."""
