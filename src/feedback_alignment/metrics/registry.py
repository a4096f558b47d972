"""Every metric of the tables, by name: the recorded ones, and those derived from a course."""

from feedback_alignment.metrics.courses import DERIVED
from feedback_alignment.metrics.recorded import RECORDED

METRICS = {metric.name: metric for metric in (*RECORDED, *DERIVED)}
