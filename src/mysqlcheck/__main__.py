"""`python -m mysqlcheck`: the same entry point as the installed scripts."""

from mysqlcheck.fast import main

main()
