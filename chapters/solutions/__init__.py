"""Solutions of the exercises at the end of the chapters: a module for each chapter."""
