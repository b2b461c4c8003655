"""What runs beside requests: a follower for each storage element."""
