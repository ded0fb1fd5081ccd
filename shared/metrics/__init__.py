"""Metrics for Prometheus, all with the prefix `usermessage_`, in a module for each subject.

Labels are operations, queues, codes and the like, never callers: how many series there are is known beforehand. What
a gauge of waiting things shows is looked up when somebody asks for it, and costs nothing until then. A process exports
the subjects that it imports.
"""
