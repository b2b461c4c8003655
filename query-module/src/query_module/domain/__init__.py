"""What it means to be findable: words, questions, entries, rights and places in a list."""
