"""`./fleet demo`: real documents go in, are found, and come out bit for bit."""
