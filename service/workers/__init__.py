"""Processes, sockets and hand-over: how the service starts, takes up releases and stops without failing a request."""
