"""What the admin module does; each use case owns its transactions."""
