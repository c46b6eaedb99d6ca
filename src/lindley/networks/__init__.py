"""Networks for classification, as factories of freshly initialised modules.

Read in this order:
- catalogue.py: the networks by name.
- moons_mlp.py, digits_mlp.py: multilayer perceptrons on vectors.
- gal_cnn.py, batchbald_cnn.py: the convolutional networks of two papers on MNIST.
- dropout_rate.py: a network with another dropout rate.
"""
