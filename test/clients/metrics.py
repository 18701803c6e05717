"""Reads the text of /metrics on its input with Prometheus's own client, strictly, and prints it as JSON.

Usage: metrics.py text | openmetrics
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

read = open_metrics if sys.argv[1] == "openmetrics" else plain
json.dump(
    [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [{"name": one.name, "labels": one.labels, "value": one.value} for one in family.samples],
        }
        for family in read(sys.stdin.read())
    ],
    sys.stdout,
)
