"""The command line of releases and rules."""
