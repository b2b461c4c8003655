"""The one room that names concrete classes: what an element is made of, opened in order, closed in reverse."""
