"""Metrics of predictions: functions of tensors that return numbers, and their catalogue.

Read in this order:
- catalogue.py: every metric by name, with its unit, its direction and its source. It imports no torch.
- scores.py: accuracy, NLL, Brier score and recall of averaged predictions.
- calibration.py: how far confidence and accuracy lie apart.
- joint.py: the NLL of several labels together, which tells draws apart that have the same average.
- intervals.py: confidence intervals of an accuracy, for one look and for any number of looks.

The folder does not know studies or journals.
"""
