"""What Python's ipaddress makes of the questions on standard input, a JSON list of [kind, text or texts, text?]; the answers, a JSON list, go to standard output.

Where Latchkey is meant to be stricter or to have one more spelling, it says so here: a zone is of letters, digits and -._~; a prefix is a number without leading zeros (Python
takes netmasks too); an IPv4-mapped address or range is IPv4.
"""

import ipaddress
import json
import re
import sys

ZONE = re.compile(r"[A-Za-z0-9_.~-]+\Z")
PREFIX = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z")


def address(text):
    bare, percent, zone = text.partition("%")
    if percent and not ZONE.match(zone):
        return None
    try:
        read = ipaddress.ip_address(text)
    except ValueError:
        return None
    if read.version == 4:
        return read
    return read.ipv4_mapped or ipaddress.IPv6Address(int(read))


def network(text, strict):
    written, slash, prefix = text.partition("/")
    if "%" in written or (slash and not PREFIX.match(prefix)):
        return None
    try:
        base = ipaddress.ip_address(written)
        read = ipaddress.ip_network(text, strict=strict)
    except ValueError:
        return None
    mapped = base.ipv4_mapped if base.version == 6 else None
    if mapped is None:
        return read
    return ipaddress.ip_network((mapped, read.prefixlen - 96), strict=strict) if read.prefixlen >= 96 else None


def answer(kind, one, other=None):
    if kind == "address":
        read = address(one)
        return None if read is None else str(read)
    if kind == "network":
        return network(one, False) is not None
    if kind == "contains":
        ranged, read = network(one, False), address(other)
        return read is not None and read in ranged
    if kind == "overlaps":
        return network(one, False).overlaps(network(other, False))
    if kind == "cidr":
        # What a client may call from: no bits behind the prefix, and never everybody.
        read = network(one.strip(), True)
        return None if read is None or read.prefixlen == 0 else str(read)
    if kind == "collapsed":
        ranges = [network(each, True) for each in one]
        families = [[each for each in ranges if each.version == version] for version in (4, 6)]
        return [str(each) for family in families for each in ipaddress.collapse_addresses(family)]
    if kind == "within":
        read = address(other)
        return any(read in network(each, True) for each in one)
    raise ValueError(kind)


json.dump([answer(*question) for question in json.load(sys.stdin)], sys.stdout)
