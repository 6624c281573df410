"""The whole setup on one kernel: two directors with keepalived, VRRP and IPVS, replicas, and clients on the VIP.

__main__.py      `make lab`: finds a kernel with IPVS (this one, or a small virtual machine's) and tells the story there
story.py         tells it
scenarios.py     the story in order: what happens, and what must follow
setups.py        on demand: each way to write the virtual server, in every phase of a server
scripts.py       on demand: checks that cannot be run
beside.py        on demand: TCP_CHECK beside ours
agents.py        on demand: the agent beside ours, and what its death costs
stopwatch.py     what it measures: from fault to weight, and back, on any number of directors
debian13.py      on demand: the same with Debian 13's keepalived and Python
faults.py        what can befall a replica
consequences.py  what several of them wait for
lab.py           the hosts as the scenarios see them, and the protocol
hosts.py         this process's own view of the machine: users, files, directories
network.py       hosts as network namespaces on a bridge
database.py      MariaDB on one of them
director.py      keepalived on one of them, and what IPVS says there
clients.py       who is answered by whom
"""
