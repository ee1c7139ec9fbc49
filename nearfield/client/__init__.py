"""The client of a service: routes, requests and answers as types, retries, and two ways to send: blocking or not.

It imports none of the other packages: a program that asks a service needs httpx and msgspec alone.
"""
