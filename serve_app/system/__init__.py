"""The state of the running service, as the System page shows it."""
