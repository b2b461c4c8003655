"""What the query module answers."""
