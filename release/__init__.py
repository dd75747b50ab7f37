"""What is made anew for a release and committed with it."""
