"""How long `nearfield run` takes to its first answer."""
