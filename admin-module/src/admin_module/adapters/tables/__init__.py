"""The tables of `artstore_admin`, as migrations/versions make them."""
