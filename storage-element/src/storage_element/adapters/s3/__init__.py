"""An S3 bucket as the place where an element is kept."""
