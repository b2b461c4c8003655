"""What ArtStore can do on this machine, beside the machine's limits and simpler designs, in one run."""
