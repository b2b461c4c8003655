"""What the ingester does, one room a use case."""
