"""Access tokens (RFC 9068): issued, checked, revoked, and fetched for a service's own calls."""
