"""Memory between checks: what is kept, what becomes of it in trouble, and who owns it.

test_records.py      what is kept of a server comes back as it was
test_history.py      events: what happened, and how much of it is kept
test_damage.py       rows that make no sense, and files that are broken
test_set_aside.py    who puts a broken file aside, where many meet at it
test_many.py         many checks at once
test_killed.py       kill -9 at any moment
test_trouble.py      a director whose state directory cannot be used
test_still_held.py   the same where there is a memory already
test_holds.py        operators' holds: what stands in the file
test_hold_names.py   what the file is called
test_for_good.py     that it is on the disk
test_drained.py      the whole command under a hold
test_ownership.py    a run as root, a run as an ordinary user, and `explain`, which changes nothing
"""
