"""The objective: in-batch softmax with the logQ correction and accidental hits masked.

Shapes: B pairs of a batch, M hard negatives of each, D dims.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def in_batch_softmax(
    query_BD: Tensor,
    candidate_BD: Tensor,
    items_B: Tensor,
    log_q_B: Tensor | None,
    temperature: float,
    positive_BB: Tensor | None = None,
    hard_BM: Tensor | None = None,
) -> Tensor:
    """Mean loss of B (query, item) pairs, each pair's item being a negative to every other query.

        loss = -1/B sum_i log( exp(l_ii) / sum_j exp(l_ij) ),    l_ij = <q_i, c_j> / temperature - log p_j

    with p_j the probability that a draw of the batch is item j: Yi et al., "Sampling-bias-corrected neural
    modeling for large corpus item recommendations", RecSys 2019, equations 3 to 5; the softmax with corrected
    logits is Bengio and Senécal, "Adaptive importance sampling", IEEE TNN 2008. In the order of TensorFlow
    Recommenders' `tasks/retrieval.py`: temperature divides, then log p is subtracted, then accidental hits are
    masked: the pair's own item in another column, and the other known positives of a query, `positive_BB` (row: query,
    column: pair): items that its user liked, or that have its text.

    `items_B`: item of each pair, to find accidental hits; `log_q_B`: log p of each pair's item, natural logarithm,
    None for no correction; `hard_BM`: logits of each query's hard negatives.
    """
    logits_BB = query_BD / temperature @ candidate_BD.T
    if log_q_B is not None:
        logits_BB = logits_BB - log_q_B[None, :]
    accidental_BB = items_B[:, None] == items_B[None, :]
    if positive_BB is not None:
        accidental_BB = accidental_BB | positive_BB
    accidental_BB.fill_diagonal_(False)
    logits_BB = logits_BB.masked_fill(accidental_BB, float("-inf"))
    logits = logits_BB if hard_BM is None else torch.cat((logits_BB, hard_BM), dim=1)
    return F.cross_entropy(logits, torch.arange(len(items_B), device=logits_BB.device))


def log_sampling_probability(counts: Tensor) -> Tensor:
    """log of each item's share of all pairs: the probability that one draw of a batch is that item.

    `counts`: pairs of each item, (N,); an item without pairs is never drawn and gets -inf.
    """
    return (counts / counts.sum()).log()
