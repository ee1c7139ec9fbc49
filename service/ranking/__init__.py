"""Rankings of rows: by nearness, words, meaning or both, presorted, fused, interleaved, one after another."""
