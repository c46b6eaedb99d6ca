"""MC dropout with frozen draws, for any network.

mc_dropout          the learner, its posterior and its draws
masks               dropout masks by seed, draw and call site; which layers drop
folded_network      draws of a plain sequence of layers, masks folded into weights
pruning             one draw of such a sequence as a smaller network
tracing             a forward of one's own as a sequence of layers, where it is one
masked_network      draws of any module, one forward pass each
prefix              the part before the first mask, computed once for all draws
sites               the call sites of a network and their masks
frozen_layers       dropout and recurrent layers with frozen masks
frozen_attention    attention layers with frozen masks
drop_connect        frozen masks on weights
hidden_randomness   refusal of networks that are random beside their dropout layers
"""
