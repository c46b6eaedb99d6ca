"""BatchBALD and its relatives: batches chosen for the joint information of their labels.

batchbald.py              the paper's method, and the diagnostics of its relatives
batchbald_logdet.py       BatchBALD, then the Gaussian objective once log K is nearly reached
information_objective.py  the joint information of labels: exact while configurations are few, then sampled
gains.py                  gains of one more row, in blocks that stay in cache
race.py                   one pick on sampled configurations
gaussian_objective.py     joint information as if the draws were samples of a Gaussian
"""
