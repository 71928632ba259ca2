"""What stands between the socket and the routes: limits, deadlines, admission, origin check."""
