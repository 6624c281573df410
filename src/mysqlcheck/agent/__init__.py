"""`mysqlcheck agent`: looks at every server each second on connections that are kept, and publishes what follows.

    service.py   starts and ends it, and does what is due: the store, metrics, operators' holds, systemd's watchdog
    watch.py     looks at one server, in a thread of its own; what hangs there delays nobody else
    book.py      what is on record of all servers, in memory, with the store behind it
    places.py    the files of one server that others read: its verdict, its weight

How a look is judged is the check's own code: judgement.take_in.
"""
