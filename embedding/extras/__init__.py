"""Extras: libraries that only some commands need, installed where they are asked for."""
