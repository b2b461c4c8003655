"""What ArtStore's parts say to each other: words, models, codes and scopes, each said once."""
