"""Training networks and calling them. Posteriors are built on this folder; nothing in it knows of a posterior.

config               how to train: the keys of a study's [training] table
loop                 the training loop
optimisation         minibatches, optimiser, learning rate, a watch on the loss
augmentation         random changes of training images
early_stopping       the weights with the lowest loss of the validation labels
vectorised_ensemble  members of an ensemble trained at once
dry_run              one step and one use of an untrained network
network_factory      networks by the function that makes them
network_copies       copies of networks, without torch.compile
network_calls        inputs, forward passes and logits
memory_layout        images and weights channels-last
precision            float32 or bfloat16
random_state         the global generators, seeded and restored
"""
