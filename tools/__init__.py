"""What is used to run, check and measure ArtStore; no service imports it."""
