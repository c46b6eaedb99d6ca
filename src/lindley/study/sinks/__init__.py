"""Sinks: other programs that are shown the rounds of trials. The journals stay the truth; sinks are filled from them.

- contract.py: the methods of a sink.
- feed.py: each sink is shown the rounds that it has not seen.
- catalogue.py: the sinks by name.
- tensorboard_sink.py: event files of TensorBoard.
- mlflow_sink.py: runs of MLflow.
"""
