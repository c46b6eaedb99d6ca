"""Batches from features: rows that differ from each other, or that represent many others.

specs.py              the options and the entry of each method
context_features.py   features and predictions of a Context, in the precision that the methods compute in
prepared_rows.py      passes over all candidates that return numbers for each row, or sums
subset.py             the seeded subset, for methods that compare pairs of rows
distances.py          Euclidean distances
coreset.py            CoreSet, by passes
badge.py              BADGE, by passes
bait.py               BAIT, by passes
fisher.py             the Fisher information of a softmax layer
clusters.py           k-means
typiclust.py          TypiClust, on a subset
balls.py              counts of points in balls
probcover.py          ProbCover, on a subset
max_herding.py        MaxHerding, on a subset
u_herding.py          UHerding, on a subset
"""
