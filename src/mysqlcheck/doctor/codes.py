"""Every code by its subject, in the order of the report; docs/reference/doctor.md is written from them."""

from mysqlcheck.doctor import conf, files, program, servers, vip

SUBJECTS = {
    "The program": program.CODES,
    "keepalived.conf and its user": conf.CODES,
    "Files": files.CODES,
    "The servers": servers.CODES,
    "The virtual address": vip.CODES,
}
