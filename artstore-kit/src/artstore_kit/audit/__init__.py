"""How a service tells the audit log what it did and refused: noted on its own disk first, delivered when that works."""
