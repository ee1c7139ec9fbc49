"""Where truth lies: the log of changes, the live release, accepted rules, locks, who reads how far."""
