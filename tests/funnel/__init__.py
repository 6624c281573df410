"""Attempts to get round the funnel: whatever happens in the process, only a Decision exits 0 or above 1.

injection.py        runs the command in an interpreter into which foreign code was put
probing.py          watches a running command from outside: its signal mask, its descriptors
forks.py            a warmed-up process that runs many checks, each in a fork of its own
drawing.py          what the property test draws: arguments, files, servers
judging.py          the exit contract, written down a second time
test_libraries.py   libraries that raise, return, hang, or leave something behind
test_machine.py     no descriptors, no threads, no memory, full and broken streams
test_environment.py what Python and click read from the environment
test_signals.py     SIGTERM, SIGINT and SIGHUP at every moment
test_state.py       memory in trouble: SQLite that raises and hangs, FIFOs, locks
test_property.py    whatever the arguments, the environment, the files and the server
"""
