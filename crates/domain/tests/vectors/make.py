"""Writes the vectors beside this file: what other programs say of recurrence, time zones and folded characters.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    PYTHONTZPATH= venv/bin/python make.py

Days of rules are python-dateutil's, times of zones those of zoneinfo with the data of the package tzdata, forms of
characters those of unicodedata and str. What the contract adds to them is said here a second time, in other words than in
Rust: canonical forms, the day that a rule gets from its due, what is overdue, what COUNT and UNTIL leave.

The same Python and the same versions write the same bytes.
"""

import calendar
import datetime as dt
import pathlib
import random
import unicodedata
import zoneinfo

import dateutil
import tzdata
from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr

HERE = pathlib.Path(__file__).parent
UTC = dt.timezone.utc
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FIRST_MOMENT = dt.datetime(1900, 1, 2, tzinfo=UTC)
NAMED_ZONES = """America/New_York Europe/Berlin Australia/Lord_Howe Pacific/Apia Pacific/Kiritimati Pacific/Pago_Pago
America/Havana Africa/Cairo Asia/Beirut America/Scoresbysund Asia/Kolkata America/Sao_Paulo Africa/Casablanca
Antarctica/Troll Pacific/Chatham America/St_Johns Asia/Kathmandu Europe/Dublin UTC""".split()

# Time zones.


def names():
    return sorted(zoneinfo.available_timezones() - {"Factory"})


def moment(local, zone):
    """The moment of a local time: fold=0 is the first of two, and the offset before a gap."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local(at, zone):
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def first_moment(day, zone):
    """The first moment at which it is that day in the zone, or a later one."""
    midnight = dt.datetime.combine(day, dt.time(), UTC)
    offsets = [(midnight + dt.timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-30, 31)]
    at, high = midnight - max(offsets), midnight - min(offsets)
    # By steps and not by halves: a clock that is set back just after midnight shows the day, the day before, and the day.
    while at < high and local(at, zone).date() < day:
        at += dt.timedelta(seconds=1 if high - at < dt.timedelta(minutes=1) else 30)
    while local(at - dt.timedelta(seconds=1), zone).date() >= day:
        at -= dt.timedelta(seconds=1)
    return at


def changes(zone, first=1900, last=2100):
    """The moments at which the offset changes, found by looking every third day."""
    found, step = [], dt.timedelta(days=3)
    at = dt.datetime(first, 1, 3, tzinfo=UTC)
    before = at.astimezone(zone).utcoffset()
    while at.year < last:
        after = (at + step).astimezone(zone).utcoffset()
        if after != before:
            low, high = at, at + step
            while high - low > dt.timedelta(seconds=1):
                middle = low + dt.timedelta(seconds=(high - low) // dt.timedelta(seconds=2))
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
            found.append(high)
        at, before = at + step, after
    return found


def zone_lines(generator):
    yield "zone\tlocal or day\tmoment\tshown"
    for name in names():
        zone = zoneinfo.ZoneInfo(name)
        all_changes = changes(zone)
        chosen = generator.sample(all_changes, min(2, len(all_changes))) + all_changes[-1:]
        if not chosen:
            chosen = [dt.datetime(2026, 1, 1, tzinfo=UTC)]
        for change in sorted(set(chosen)):
            at = local(change, zone) + dt.timedelta(minutes=generator.randint(-90, 90))
            found = moment(at, zone)
            yield f"{name}\t{at.isoformat()}\t{text_of(found)}\t{local(found, zone).isoformat()}"
            day = local(change, zone).date() + dt.timedelta(days=generator.choice([0, 0, 0, 1, -1]))
            yield f"{name}\t{day}\t{text_of(first_moment(day, zone))}"


# Recurrence.


def numbers(generator, most, count):
    return [generator.choice([1, -1]) * generator.randint(1, most) for _ in range(generator.randint(1, count))]


def random_rule(generator):
    """A rule as a dictionary of its parts, in the order in which they are written; lists are not in order yet."""
    rule = {"FREQ": generator.choice(["DAILY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "YEARLY"])}
    rule["INTERVAL"] = generator.choice([1, 1, 1, 2, 2, 3, 4, 5, 7, 12, 13, 28, 100, generator.randint(1, 999)])
    if rule["FREQ"] == "WEEKLY" and generator.random() < 0.7:
        rule["BYDAY"] = generator.choices(WEEKDAYS, k=generator.randint(1, 4))
    if rule["FREQ"] in ("MONTHLY", "YEARLY") and generator.random() < 0.8:
        if rule["FREQ"] == "YEARLY":
            rule["BYMONTH"] = [generator.choice([1, 2, 2, 2, 3, 4, 6, 10, 11, 12])]
        kind = generator.choice(["number", "number", "weekday", "nth"])
        if kind == "number":
            rule["BYMONTHDAY"] = generator.choice([numbers(generator, 31, 5), [31], [29], [30, 31], [-1], [28, 29, 30, 31]])
        elif kind == "weekday":
            rule["BYDAY"] = generator.choices(WEEKDAYS, k=generator.randint(1, 5))
        else:
            days = generator.choices(WEEKDAYS, k=generator.randint(1, 3))
            rule["BYDAY"] = [f"{number}{day}" for number, day in zip(numbers(generator, 5, 3) * 3, days)]
        if kind != "nth" and generator.random() < 0.4:
            rule["BYSETPOS"] = [generator.choice([1, -1, 1, -1, 2, -2, 3, generator.choice([1, -1]) * generator.randint(1, 31)])]
    return rule


def weekday_order(day):
    return (int(day[:-2] or 0), WEEKDAYS.index(day[-2:]))


def end_of(count, until):
    if count is not None:
        return [f"COUNT={count}"]
    return [f"UNTIL={until:%Y%m%d}"] if until is not None else []


def canonical(rule, count=None, until=None):
    parts = [f"FREQ={rule['FREQ']}"]
    if rule["INTERVAL"] != 1:
        parts.append(f"INTERVAL={rule['INTERVAL']}")
    for name in ["BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"]:
        if name in rule:
            values = sorted(set(rule[name]), key=weekday_order if name == "BYDAY" else int)
            parts.append(f"{name}={','.join(map(str, values))}")
    parts += end_of(count, until)
    return ";".join(parts)


def as_sent(generator, rule, count, until):
    """The rule in another order and case, with lists that are not in order."""
    parts = [f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in rule.items()]
    parts = [part for part in parts if part != "INTERVAL=1" or generator.random() < 0.3]
    parts += end_of(count, until)
    parts += ["WKST=MO"] * (generator.random() < 0.1)
    if generator.random() < 0.3:
        generator.shuffle(parts)
    text = ";".join(parts)
    return text.lower() if generator.random() < 0.2 else text


def named(rule, day):
    """The rule with the day of the due, if it names none."""
    if rule["FREQ"] == "DAILY" or any(name.startswith("BY") for name in rule):
        return rule
    rule = dict(rule)
    if rule["FREQ"] == "WEEKLY":
        rule["BYDAY"] = [WEEKDAYS[day.weekday()]]
        return rule
    if rule["FREQ"] == "YEARLY":
        rule["BYMONTH"] = [day.month]
    if day.day >= 29 and (rule["FREQ"] == "MONTHLY" or day.month == 2):
        rule |= {"BYMONTHDAY": list(range(28, day.day + 1)), "BYSETPOS": [-1]}
    else:
        rule["BYMONTHDAY"] = [day.day]
    return rule


def has_a_day(rule, until):
    """Whether the rule has a day from 1900 on that is not after its end, by dateutil and not by arithmetic."""
    try:
        every = rrulestr(canonical(rule | {"INTERVAL": 1})).replace(dtstart=dt.datetime(1900, 1, 1), cache=False)
        first = next(iter(every), None)
    except ValueError:
        return False
    return first is not None and (until is None or first.date() <= until)


def days_after(rule, start):
    """The days of the rule after that of `start`."""
    for found in rrulestr(canonical(rule)).replace(dtstart=start):
        if found.date() > start.date():
            # dateutil drops the microseconds.
            yield dt.datetime.combine(found.date(), start.time())


def is_overdue(due, zone, now):
    return now >= due if isinstance(due, dt.datetime) else local(now, zone).date() > due


def placed(meant, is_day, zone):
    """The due of a local time, and that time; none where it cannot be set."""
    if is_day:
        return meant.date(), meant
    at = moment(meant, zone)
    return (at, meant) if at <= dt.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC) else None


def after_due(rule, count, until, due, meant, zone, now):
    """The next due, its local time and what is left of COUNT; or none."""
    last = due
    for found in days_after(rule, meant):
        if until is not None and found.date() > until:
            return None
        due_then = placed(found, not isinstance(due, dt.datetime), zone)
        if due_then is None:
            return None
        # A day that the zone left out has the times of the next one.
        if due_then[0] == last:
            continue
        last = due_then[0]
        if count is not None:
            count -= 1
            if count == 0:
                return None
        if not is_overdue(last, zone, now):
            return (*due_then, count)
    return None


def after_completion(rule, count, until, due, meant, zone, now):
    unit = {"DAILY": "days", "WEEKLY": "weeks", "MONTHLY": "months", "YEARLY": "years"}[rule["FREQ"]]
    day = local(now, zone).date() + relativedelta(**{unit: rule["INTERVAL"]})
    if count == 1 or (until is not None and day > until):
        return None
    found = placed(dt.datetime.combine(day, meant.time()), not isinstance(due, dt.datetime), zone)
    return found and (*found, count and count - 1)


def text_of(due):
    if not isinstance(due, dt.datetime):
        return due.isoformat()
    return due.replace(tzinfo=None).isoformat() + "Z"


def random_due(generator, zone, all_changes):
    kind = generator.choice(["any", "any", "change", "change", "end", "leap"])
    near = [change for change in all_changes if 1990 < change.year < 2038]
    if kind == "change" and near:
        at = local(generator.choice(near), zone) + dt.timedelta(minutes=generator.randint(-90, 90))
        at -= dt.timedelta(days=generator.choice([0, 1, 1, 2, 7, 28, 31]))
    else:
        year, month = generator.choice([1900, 1999, 2024, 2026, 2027, 2096, 2099]), generator.randint(1, 12)
        if kind == "leap":
            year, month = generator.choice([2000, 2024, 2028, 2096]), 2
        last = calendar.monthrange(year, month)[1]
        day = last - generator.randint(0, 3) if kind in ("end", "leap") else generator.randint(1, last)
        at = dt.datetime(year, month, max(day, 3), generator.randint(0, 23), generator.choice([0, 15, 30, 59]))
    return at.replace(microsecond=generator.choice([0, 0, 0, 1, 500000]))


def recurrence_lines(generator, count_of_lines):
    yield "rule\tfrom\tdue\tzone\tcompleted\tnext due\tnext rule"
    zones = {name: zoneinfo.ZoneInfo(name) for name in NAMED_ZONES}
    zones |= {name: zoneinfo.ZoneInfo(name) for name in generator.sample(names(), 30)}
    all_changes = {name: changes(zone, 1990, 2038) for name, zone in zones.items()}
    lines = 0
    while lines < count_of_lines:
        name = generator.choice([None, *NAMED_ZONES, *zones])
        zone = zones[name or "UTC"]
        meant, is_day = random_due(generator, zone, all_changes.get(name, [])), generator.random() < 0.4
        due = meant.date() if is_day else moment(meant, zone)
        # It is what a clock shows that a task is created with.
        meant = dt.datetime.combine(due, dt.time()) if is_day else local(due, zone)
        from_due, rule = generator.random() < 0.85, random_rule(generator)
        if not from_due:
            rule = {name: value for name, value in rule.items() if not name.startswith("BY")}
        count = generator.choice([None, None, None, 1, 2, 3, 10, 999])
        until = None
        if count is None and generator.random() < 0.2:
            until = (meant + dt.timedelta(days=generator.choice([-1, 0, 1, 30, 400, 4000]))).date()
        sent = as_sent(generator, rule, count, until)
        where = name or "-"
        full = named(rule, meant) if from_due else rule
        if len(sent) > 200:
            continue
        if not has_a_day(full, until):
            lines += 1
            yield f"{sent}\tdue\t{text_of(due)}\t{where}\t-\tfault\t-"
            continue
        # A moment before the due, soon after it, long after it, or at the edge of an occurrence.
        now = moment(meant, zone) + dt.timedelta(seconds=generator.choice([
            -generator.randint(0, 10**7), 0, generator.randint(0, 10**6), generator.randint(0, 10**8), generator.randint(0, 10**8),
        ]))
        search = after_due if from_due else after_completion
        following = search(full, count, until, due, meant, zone, now)
        if following and from_due and generator.random() < 0.4:
            edge = following[0] if not is_day else first_moment(following[0] + dt.timedelta(days=1), zone)
            now = edge - dt.timedelta(microseconds=generator.choice([0, 1]))
            following = search(full, count, until, due, meant, zone, now)
        first_due, dues, rules = text_of(due), [], []
        # The second one goes on from what was meant and not from what the clock showed.
        for _ in range(2 if from_due else 1):
            if following is None:
                dues.append("-")
                break
            due, meant, count = following
            dues.append(text_of(due))
            rules.append(canonical(full, count, until))
            following = search(full, count, until, due, meant, zone, now)
        lines += 1
        then = text_of(now.astimezone(UTC))
        found = f"{' '.join(dues)}\t{rules[0] if rules else '-'}"
        yield f"{sent}\t{'due' if from_due else 'completion'}\t{first_due}\t{where}\t{then}\t{found}"


# Characters.


def without_case(text):
    return "".join(character.lower() for character in "".join(c.upper() for c in "".join(c.lower() for c in text)))


def tag_key(text):
    return unicodedata.normalize("NFC", without_case(unicodedata.normalize("NFC", text)))


LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t"})


def fold(text):
    text = unicodedata.normalize("NFKD", without_case(unicodedata.normalize("NFKD", text)))
    text = "".join(c for c in text if not "\u0300" <= c <= "\u036f").translate(LETTERS)
    return unicodedata.normalize("NFC", text)


def points(text):
    return " ".join(f"{ord(character):04X}" for character in text)


def is_assigned(point):
    return unicodedata.category(chr(point)) not in ("Cn", "Cs", "Co")


def folding_lines(generator):
    yield "characters\tkey of a tag\tfolded"
    start = None
    for point in range(0x110001):
        if point < 0x110000 and is_assigned(point):
            start = point if start is None else start
        elif start is not None:
            yield f"assigned\t{start:04X}\t{point - 1:04X}"
            start = None
    assigned = [chr(point) for point in range(0x110000) if is_assigned(point)]
    for character in assigned:
        key, folded = tag_key(character), fold(character)
        if (key, folded) != (character, character):
            yield f"{points(character)}\t{points(key)}\t{points(folded)}"
    marks = [c for c in assigned if unicodedata.combining(c)]
    changing = [c for c in assigned if fold(c) != c]
    for _ in range(600):
        pools = generator.choices([assigned, marks, changing, "aZeßΣσςİıæØЁが가한"], k=generator.randint(2, 7))
        text = "".join(generator.choice(pool) for pool in pools)
        yield f"{points(text)}\t{points(tag_key(text))}\t{points(fold(text))}"


def write(name, lines):
    (HERE / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main():
    assert (dateutil.__version__, tzdata.IANA_VERSION) == ("4.0.0", "2026f"), "install what requirements.txt names"
    assert not zoneinfo.TZPATH, "set PYTHONTZPATH to nothing, so that the zones are those of the package"
    write("zone-names.tsv", names())
    write("zones.tsv", zone_lines(random.Random(1)))
    write("recurrence.tsv", recurrence_lines(random.Random(2), 5200))
    write("folding.tsv", folding_lines(random.Random(3)))


if __name__ == "__main__":
    main()
