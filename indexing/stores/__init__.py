"""Where vectors lie: one contract, embedded and on a server."""
