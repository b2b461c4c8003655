"""What an element does, one room a protocol."""
