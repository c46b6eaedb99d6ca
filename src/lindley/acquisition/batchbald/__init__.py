"""BatchBALD and its relatives: batches chosen for the information that their labels carry together.

batchbald.py              the paper's method, and what its relatives report
batchbald_logdet.py       BatchBALD, then the Gaussian objective once log K is nearly used up
information_objective.py  the joint information of labels: exact while configurations are few, then sampled
gains.py                  what one more row adds, computed in blocks that stay in cache
race.py                   one pick on sampled configurations
gaussian_objective.py     joint information as if the draws were samples of a Gaussian
"""
