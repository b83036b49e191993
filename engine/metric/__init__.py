"""Metrics: each defined once, right at every grain, and turned into SQL on request.

`examine` finds what is wrong with the definitions, `compile` turns a `Question` into a `Query`, `catalogue` and
`dimensions` list what can be asked, `digest` tells when a metric began to compute something else.
"""

from engine.metric.compilation import compile
from engine.metric.examination import examine
from engine.metric.kinds import Sort
from engine.metric.listing import MetricEntry, catalogue, dimensions, entry
from engine.metric.meaning import digest
from engine.metric.question import AnswerColumn, Query, Question

__all__ = [
    "AnswerColumn",
    "MetricEntry",
    "Query",
    "Question",
    "Sort",
    "catalogue",
    "compile",
    "digest",
    "dimensions",
    "entry",
    "examine",
]
