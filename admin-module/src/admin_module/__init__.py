"""The fleet's authority: accounts, tokens, signing keys and the list of storage elements."""
