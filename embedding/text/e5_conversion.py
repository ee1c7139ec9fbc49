"""Writing multilingual-e5-small as a sentence-transformers folder.

Every byte is written here or by safetensors, in a fixed order: an encoder is known by the hash of its folder, which
must be the same on every machine, whatever version of tokenizers or transformers is installed there.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from embedding.text.packed_e5 import Array, PackedE5

# As measured on real episodes: cut at 256 pieces, and without the prompts `query: ` and `passage: `.
_MAX_PIECES = 256
_SPECIAL = {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>"}
_LAYER_WEIGHTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_LAYER_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
# Nine tenths of all weights. In bfloat16 no component of a vector is more than .0001 off; the layers' weights would
# bring .0014, and are a third of the size.
_WORDS = "embeddings.word_embeddings.weight"


def write_e5(packed_file: Path, folder: Path) -> None:
    """Write the model of `packed_file` into the empty `folder`; OSError where it cannot be written."""
    packed = PackedE5(packed_file)
    tensors = {name: torch.from_numpy(weights.copy()) for name, weights in _weights(packed).items()}
    tensors[_WORDS] = tensors[_WORDS].bfloat16()
    weights = folder / "model.safetensors"
    save_file(tensors, weights, {"format": "pt"})
    # The library makes a file for its owner alone; others may serve with it.
    weights.chmod(0o644)
    for name, value in _configs(packed).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _weights(packed: PackedE5) -> dict[str, Array]:
    sizes, tensor = packed.sizes, packed.tensor
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    types = np.zeros((sizes.type_vocab_size, hidden), np.float32)
    stored = tensor("emb.type")
    types.reshape(-1)[: stored.size] = stored
    weights = {
        _WORDS: tensor("emb.word").reshape(sizes.vocab_size, hidden),
        "embeddings.position_embeddings.weight": tensor("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": types,
        "embeddings.LayerNorm.weight": tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b"),
        # Never read; where it is missing, the library makes it up at random and says so.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(sizes.num_hidden_layers):
        for short, name in _LAYER_WEIGHTS.items():
            rows = inner if short == "fi" else hidden
            weights[f"encoder.layer.{layer}.{name}.weight"] = tensor(f"l{layer}.{short}.w").reshape(rows, -1)
            weights[f"encoder.layer.{layer}.{name}.bias"] = tensor(f"l{layer}.{short}.b")
        for short, name in _LAYER_NORMS.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = tensor(f"l{layer}.{short}.w")
            weights[f"encoder.layer.{layer}.{name}.bias"] = tensor(f"l{layer}.{short}.b")
    return weights


def _configs(packed: PackedE5) -> dict[str, object]:
    sizes = packed.sizes
    modules = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    return {
        "modules.json": [
            {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for place, (path, kind) in enumerate(modules)
        ],
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "pad_token_id": packed.special.pad,
            "dtype": "float32",
            **{name: getattr(sizes, name) for name in sizes.__struct_fields__},
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden_size,
            "pooling_mode_mean_tokens": True,
        },
        "sentence_bert_config.json": {"max_seq_length": _MAX_PIECES, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {}},
        "tokenizer.json": _tokenizer(packed),
        "tokenizer_config.json": {
            **{f"{name}_token": piece for name, piece in _SPECIAL.items()},
            "cls_token": "<s>",
            "sep_token": "</s>",
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": sizes.max_position_embeddings,
        },
    }


def _tokenizer(packed: PackedE5) -> dict[str, object]:
    """A Unigram tokenizer as the library `tokenizers` reads it (its format 1.0)."""
    ids = packed.special
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    start, end = ({"SpecialToken": {"id": piece, "type_id": 0}} for piece in ("<s>", "</s>"))
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": place, "content": piece, "special": True}
            | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            for place, piece in sorted((getattr(ids, name), piece) for name, piece in _SPECIAL.items())
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Nmt"},
                {"type": "NFKC"},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, end],
            "pair": [start, first, end, end, second, end],
            "special_tokens": {
                piece: {"id": piece, "ids": [place], "tokens": [piece]}
                for piece, place in (("<s>", ids.bos), ("</s>", ids.eos))
            },
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": ids.unk, "vocab": packed.pieces, "byte_fallback": False},
    }
