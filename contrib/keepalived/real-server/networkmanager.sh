#!/bin/sh
# NetworkManager 1.42 and later: run this once on each real server; it stays over reboots.
# (sysctl.conf beside this file first). Look: ip -4 addr show lo
# MySQL must listen on it too: bind_address = * (or with 192.168.1.10 in its list).
#
# Before 1.42, which leaves lo alone, a dummy interface does the same:
#   nmcli connection add type dummy con-name mysql-vip ifname mysqlvip \
#       ipv4.method manual ipv4.addresses 192.168.1.10/32 ipv6.method disabled
set -e
nmcli connection add type loopback con-name mysql-vip ifname lo
# /32: lo takes a wider one for a whole network of its own. 127.0.0.1 and ::1 stay, NetworkManager sees to that.
nmcli connection modify mysql-vip +ipv4.addresses 192.168.1.10/32
nmcli connection up mysql-vip
