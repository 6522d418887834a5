"""make_table: day lengths and starts of quarters in some awkward time zones, by Python's zoneinfo; held against Weir's own reader.

    python3 Fixtures/time_zones/make_table.py

Writes `<zone>.tzif` as the system has it, `<zone>.slim.tzif` with its transitions up to 2007 and the closing rule alone, and `table.txt`.
Each line is: zone, day, the instant at which the day begins (seconds since the epoch), its length in seconds. Days of other than 24
hours, their neighbours and the first of each quarter are listed.
"""

import datetime
import pathlib
import struct
import zoneinfo

HERE = pathlib.Path(__file__).parent
ZONES = ["Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo",
         "America/Havana", "Asia/Beirut", "Europe/Dublin", "Asia/Tokyo", "America/Santiago"]
DAY = datetime.timedelta(days=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def local(zone, instant):
    return (EPOCH + datetime.timedelta(seconds=instant)).astimezone(zone).replace(tzinfo=None)


def start(zone, day):
    """The first instant whose local time is at or past midnight."""
    midnight = datetime.datetime(day.year, day.month, day.day)
    near = int((midnight.replace(tzinfo=datetime.timezone.utc) - EPOCH).total_seconds())
    offsets = {int(datetime.datetime.fromtimestamp(near + shift, zone).utcoffset().total_seconds()) for shift in range(-93600, 93601, 3600)}
    if len(offsets) == 1:
        return near - offsets.pop()
    instant = near - 30 * 3600
    while local(zone, instant) < midnight:
        instant += 900
    return instant


def slim(data):
    """The same zone as a file with few transitions, so that its closing rule has to be used."""
    counts = struct.unpack(">6l", data[20:44])
    skip = 44 + counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8 + counts[1] + counts[0]
    header = data[skip:skip + 44]
    uts, stds, leaps, times, types, chars = struct.unpack(">6l", header[20:44])
    body = data[skip + 44:]
    instants = struct.unpack(f">{times}q", body[:times * 8])
    kept = sum(1 for instant in instants if instant < 1_190_000_000)
    small = header[:20] + struct.pack(">6l", 0, 0, 0, kept, types, chars)
    small += body[:kept * 8] + body[times * 8:times * 8 + kept]
    rest = body[times * 9:]
    small += rest[:types * 6 + chars] + rest[types * 6 + chars + leaps * 12 + stds + uts:]
    first = header[:20] + struct.pack(">6l", 0, 0, 0, 0, 1, 1) + b"\0" * 7
    return first + small


def main():
    lines = []
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        data = (pathlib.Path(zoneinfo.TZPATH[0]) / name).read_bytes()
        place = HERE / name.replace("/", "_")
        place.with_suffix(".tzif").write_bytes(data)
        if name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin"):
            place.with_suffix(".slim.tzif").write_bytes(slim(data))
        day = datetime.date(2005, 1, 1)
        instant = start(zone, day)
        odd = False
        while day.year < 2046:
            following = start(zone, day + DAY)
            length = following - instant
            if length != 86400 or odd or (day.day == 1 and day.month % 3 == 1):
                lines.append(f"{name} {day} {instant} {length}\n")
            odd = length != 86400
            day, instant = day + DAY, following
    (HERE / "table.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
