"""Finds documents and brings them back."""
