"""What several chapters share and the package does not need."""
