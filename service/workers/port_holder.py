"""Which process holds a port already, for the error message."""

import psutil


def port_holder(port: int) -> str | None:
    """Name and number of a process that listens on TCP `port`; None where that cannot be known.

    Only processes that this user may look into are known.
    """
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid is not None:
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                # It ended while we looked.
                continue
            return f"process {connection.pid} ({command[:120]})"
    return None
