"""Reads a dashboard as Grafana's own types and writes it again. Fails if the two differ: a key that Grafana does not know is
lost on the way, and one of another shape changes.

Usage: check_dashboard.py <dashboard>

Prints JSON: the expressions of all panels.
"""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def differences(one, other, at="dashboard"):
    """Returns where two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [found for key in keys for found in differences(one.get(key), other.get(key), f"{at}.{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for i, pair in enumerate(zip(one, other)) for found in differences(*pair, f"{at}[{i}]")]
    return [] if one == other else [f"{at}: {one!r}, and of Grafana's types {other!r}"]


register_default_plugins()
with open(sys.argv[1]) as opened:
    dashboard = json.load(opened)
again = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
found = differences(dashboard, again)
if found:
    sys.exit("\n".join(found))
print(json.dumps([target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]))
