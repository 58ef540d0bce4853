"""Reads a dashboard with the library that the makers of Grafana generate from its schemas, writes it again, and fails where
something got lost: the library knows no such member, or reads it as something else."""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(written, read, place):
    if isinstance(written, dict) and isinstance(read, dict):
        for name, value in written.items():
            if name in read:
                yield from lost(value, read[name], f"{place}.{name}")
            elif value not in (None, [], {}, False):
                yield f"{place}.{name}"
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for index, (one, other) in enumerate(zip(written, read)):
            yield from lost(one, other, f"{place}[{index}]")
    elif written != read:
        yield place


register_default_plugins()
with open(sys.argv[1], encoding="utf-8") as file:
    dashboard = json.load(file)
again = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
places = list(lost(dashboard, again, "dashboard"))
if places:
    sys.exit("Grafana does not know: " + ", ".join(places))
