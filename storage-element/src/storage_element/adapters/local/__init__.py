"""A local file system as the place where an element is kept."""
