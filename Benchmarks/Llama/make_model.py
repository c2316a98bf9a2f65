#!/usr/bin/env python3
"""Writes a Llama checkpoint with random weights, for measuring speed. Standard library only.

    Benchmarks/Llama/make_model.py 1.1b bfloat16 FOLDER
    Benchmarks/Llama/make_model.py 29m float32 FOLDER

The weights are normal with deviation 0.02, norms are one. A block of a million values is drawn once, with a fixed seed,
and repeated: the speed of a product does not depend on its numbers, as long as they are ordinary ones.
"""

import json
import os
import random
import struct
import sys

SIZES = {
    # TinyLlama's sizes, which llama.cpp is often measured with.
    "1.1b": dict(hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
                 intermediate_size=5632, vocab_size=32000),
    "29m": dict(hidden_size=512, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=8,
                intermediate_size=1376, vocab_size=4096),
}


def tensors(c):
    """Name and shape of every tensor."""
    hidden, width = c["hidden_size"], c["hidden_size"] // c["num_attention_heads"] * c["num_key_value_heads"]
    inner = c["intermediate_size"]
    yield "model.embed_tokens.weight", [c["vocab_size"], hidden]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        yield p + "input_layernorm.weight", [hidden]
        yield p + "self_attn.q_proj.weight", [hidden, hidden]
        yield p + "self_attn.k_proj.weight", [width, hidden]
        yield p + "self_attn.v_proj.weight", [width, hidden]
        yield p + "self_attn.o_proj.weight", [hidden, hidden]
        yield p + "post_attention_layernorm.weight", [hidden]
        yield p + "mlp.gate_proj.weight", [inner, hidden]
        yield p + "mlp.up_proj.weight", [inner, hidden]
        yield p + "mlp.down_proj.weight", [hidden, inner]
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [c["vocab_size"], hidden]


def count(shape):
    product = 1
    for extent in shape:
        product *= extent
    return product


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in SIZES or sys.argv[2] not in ("float32", "bfloat16"):
        sys.exit(f"usage: make_model.py {'|'.join(SIZES)} float32|bfloat16 FOLDER")
    sizes, dtype, folder = SIZES[sys.argv[1]], sys.argv[2], sys.argv[3]
    os.makedirs(folder, exist_ok=True)
    config = dict(sizes, model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
                  max_position_embeddings=2048, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
                  torch_dtype=dtype, bos_token_id=1, eos_token_id=2)
    width = 4 if dtype == "float32" else 2
    draw = random.Random(1)
    values = struct.pack(f"<{1 << 20}f", *(draw.gauss(0, 0.02) for _ in range(1 << 20)))
    ones = struct.pack("<f", 1.0)
    if width == 2:
        # The upper half of a float32 is a bfloat16; cut off instead of rounded, which does not matter here.
        values = b"".join(values[i + 2:i + 4] for i in range(0, len(values), 4))
        ones = ones[2:]
    header, offset = {}, 0
    for name, shape in tensors(sizes):
        size = count(shape) * width
        header[name] = {"dtype": "F32" if width == 4 else "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape in tensors(sizes):
            left = count(shape) * width
            block = ones * count(shape) if len(shape) == 1 else values
            while left > 0:
                file.write(block[:left])
                left -= min(left, len(block))
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    prompt = random.Random(2)
    with open(os.path.join(folder, "prompts.jsonl"), "w") as file:
        for _ in range(4):
            json.dump({"input_ids": [1] + [prompt.randrange(3, sizes["vocab_size"]) for _ in range(511)]}, file)
            file.write("\n")
    print(f"{folder}: {sum(count(s) for _, s in tensors(sizes)) / 1e6:.1f} million parameters, {dtype}")


main()
