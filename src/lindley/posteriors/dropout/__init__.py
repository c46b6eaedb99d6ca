"""MC dropout with frozen draws, for any network.

mc_dropout          the learner, its posterior and its draws
folded_network      draws of a plain sequence of layers: frozen masks are multiplied into the weights
pruning             one draw of such a sequence as a smaller network
tracing             a forward of one's own as a sequence of layers, where it is one
masked_network      draws of any other module: its random layers are replaced by frozen ones, one forward pass each
prefix              the part before the first mask, computed once for all draws

Where masks are frozen:

masks               the numbers of a mask, from seed, draw, call site and position; which layers have dropout
sites               which mask a call site gets in the current draw, and the cache of masks
frozen_layers       dropout and recurrent layers that apply the masks of their site
frozen_attention    attention layers that do
drop_connect        any layer whose weights, not whose features, are masked
hidden_randomness   refusal of networks that are random beside these layers, where nothing can be frozen
"""
