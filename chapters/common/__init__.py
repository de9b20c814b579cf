"""Code that several chapters share."""
