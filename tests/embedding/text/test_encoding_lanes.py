"""Lanes: the vectors of one thread, whatever the lanes, each text in its place, and torch left as it was."""

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from embedding.text.encoder_folder import find_encoder
from embedding.text.encoding_lanes import EncodingLanes


def test_lanes_give_the_vectors_of_one_thread() -> None:
    model = SentenceTransformer(str(find_encoder(None).path), device="cpu", local_files_only=True)
    texts = [f"{'a tune of the sea, ' * (number % 3)}number {number}" for number in range(21)]
    threads = torch.get_num_threads()
    lanes = EncodingLanes(model, 3, 4)
    found = lanes.encode(texts, "")
    assert torch.get_num_threads() == threads
    alone = np.stack([model.encode(text, show_progress_bar=False) for text in texts])
    assert np.abs(found - alone).max() < 1e-5
    # Once more, with lanes that have worked before.
    assert np.array_equal(lanes.encode(texts[:5], ""), EncodingLanes(model, 1, 4).encode(texts[:5], ""))
