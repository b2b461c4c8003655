"""What all ArtStore services stand on: contracts, settings, security, storage access and the application frame."""
