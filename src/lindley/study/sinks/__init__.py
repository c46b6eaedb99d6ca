"""Sinks: other programs that are shown the rounds of trials.

The journals stay the truth; a sink is filled from them.
"""
