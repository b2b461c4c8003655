"""What the tests of every service stand on: clean databases, minted tokens, stand-ins for other processes."""
