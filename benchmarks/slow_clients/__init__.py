"""Honest clients and health beside a crowd of slow ones."""
