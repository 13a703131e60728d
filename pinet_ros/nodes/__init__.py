"""The executables' code: thin nodes around the core."""
