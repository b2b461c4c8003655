"""Timers and streams around single service calls."""
