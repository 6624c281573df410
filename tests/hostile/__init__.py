"""A scripted MySQL server that misbehaves on demand, and the tests that run mysqlcheck against it.

wire.py         packets as bytes
channel.py      one connection: pacing, recording, TLS
session.py      what a script plays on
server.py       the listener that runs a script for each connection
personas.py     good servers, of which any single answer can be corrupted
keys.py         certificates and RSA keys, the rogue's among them
leaks.py        assert_no_secret
behaviours/     the table of what can go wrong, and the reason each deserves
"""
