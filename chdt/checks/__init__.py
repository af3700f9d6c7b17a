"""What may come in and where answers go: every error that a user sees is raised here, before anything is written."""
