#!/usr/bin/env python3
"""Writes a Llama checkpoint with random weights, for measuring speed. Standard library only.

    Benchmarks/Llama/make_model.py 1.1b bfloat16 FOLDER
    Benchmarks/Llama/make_model.py 29m mxfp4 FOLDER

Types: float32, bfloat16, float16, and in AMD Quark's layout mxfp4 (weights MXFP4, activations MXFP4) and fp8 (both
E4M3, one scale for each tensor), whose embedding, norms and head are bfloat16. All types hold the same numbers, as near
as the type comes to them (random_weights.py). Norms are one. Also writes prompts of 512 tokens (prompts.jsonl).
"""

import json
import os
import random
import struct
import sys

import random_weights

SIZES = {
    # TinyLlama's sizes, which llama.cpp is often measured with.
    "1.1b": dict(hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
                 intermediate_size=5632, vocab_size=32000),
    # 25 million parameters in the layers, and embedding and head of 16 million each.
    "29m": dict(hidden_size=512, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=8,
                intermediate_size=1376, vocab_size=32000),
}
TYPES = ("float32", "bfloat16", "float16", "mxfp4", "fp8")
# FP8: scales of activations that keep those of random weights within the range, and their type.
INPUT_SCALE = 0.03125


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


def is_linear(name):
    return name.endswith("_proj.weight")


def count(shape):
    product = 1
    for extent in shape:
        product *= extent
    return product


def places(sizes):
    """Name, shape and first number in the stream of every tensor; norms take none."""
    first = 0
    for name, shape in tensors(sizes):
        yield name, shape, first
        if len(shape) > 1:
            first += count(shape)


def description(dtype, dynamic, group):
    """One tensor's entry in Quark's configuration."""
    return {
        "dtype": dtype, "is_dynamic": dynamic, "qscheme": "per_group" if group else "per_tensor",
        "ch_axis": -1 if group else None, "group_size": group, "symmetric": None if group else True,
        "round_method": "half_even", "scale_type": "float", "scale_format": "e8m0" if group else None,
        "scale_calculation_mode": "even" if group else None,
        "observer_cls": "PerBlockMXObserver" if group else "PerTensorMinMaxObserver",
    }


def quantization(dtype):
    """`quantization_config` of config.json."""
    if dtype == "mxfp4":
        weight, inputs = description("fp4", False, 32), description("fp4", True, 32)
    else:
        weight, inputs = description("fp8_e4m3", False, None), description("fp8_e4m3", False, None)
    return {
        "quant_method": "quark", "quant_mode": "eager_mode", "version": "0.13", "algo_config": None,
        "global_quant_config": {"weight": weight, "input_tensors": inputs, "output_tensors": None, "bias": None,
                                "target_device": None},
        "layer_quant_config": {}, "layer_type_quant_config": {}, "kv_cache_quant_config": {}, "exclude": ["lm_head"],
        "export": {"kv_cache_group": [], "min_kv_scale": 0.0, "pack_method": "reorder",
                   "weight_format": "real_quantized", "weight_merge_groups": None},
    }


def parts(sizes, dtype):
    """Every tensor of the file: name, type, shape, and its bytes in pieces."""
    values = random_weights.draw()
    stream = random_weights.Stream
    plain = "bfloat16" if dtype in ("mxfp4", "fp8") else dtype
    plain_type = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}[plain]
    encode = getattr(random_weights, plain)
    plain_stream = stream(encode(values))
    if dtype == "mxfp4":
        codes, scales = random_weights.mxfp4(values)
        # The first element in the low half of a byte.
        packed, scales = stream(bytes(a | b << 4 for a, b in zip(codes[0::2], codes[1::2]))), stream(scales)
    if dtype == "fp8":
        # Of the whole block, rounded to the type it is stored in, as a scale must be before it is used.
        scale = random_weights.bfloat16([max(map(abs, values)) / 448])
        packed = stream(random_weights.e4m3(values, struct.unpack("<f", b"\0\0" + scale)[0]))
    for name, shape, first in places(sizes):
        if len(shape) == 1:
            yield name, plain_type, shape, [encode([1.0]) * shape[0]]
        elif dtype == "mxfp4" and is_linear(name):
            yield name, "U8", [shape[0], shape[1] // 2], packed.pieces(first, count(shape))
            yield name + "_scale", "U8", [shape[0], shape[1] // 32], scales.pieces(first, count(shape))
        elif dtype == "fp8" and is_linear(name):
            yield name, "F8_E4M3", shape, packed.pieces(first, count(shape))
            yield name + "_scale", "BF16", [], [scale]
            yield name.replace(".weight", ".input_scale"), "BF16", [], [random_weights.bfloat16([INPUT_SCALE])]
        else:
            yield name, plain_type, shape, plain_stream.pieces(first, count(shape))


WIDTHS = {"F32": 4, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}


def ensure(keep, size, dtype):
    """The folder of a checkpoint within `keep`; it is written if it is not there, or has other sizes or another stream of numbers."""
    folder = os.path.join(keep, f"{size}-{dtype}")
    try:
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
    except FileNotFoundError:
        config = {}
    wanted = dict(SIZES[size], podium_random_weights=random_weights.VERSION)
    if any(config.get(key) != value for key, value in wanted.items()):
        write(size, dtype, folder)
    return folder


def write(size, dtype, folder):
    """Writes a checkpoint; config.json comes last."""
    sizes = SIZES[size]
    os.makedirs(folder, exist_ok=True)
    config = dict(sizes, model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
                  max_position_embeddings=2048, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
                  torch_dtype="bfloat16" if dtype in ("mxfp4", "fp8") else dtype, bos_token_id=1, eos_token_id=2,
                  podium_random_weights=random_weights.VERSION)
    if dtype in ("mxfp4", "fp8"):
        config["quantization_config"] = quantization(dtype)
    written = list(parts(sizes, dtype))
    header, offset = {}, 0
    for name, kind, shape, _ in written:
        extent = count(shape) * WIDTHS[kind]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + extent]}
        offset += extent
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, pieces in written:
            for piece in pieces:
                file.write(piece)
    prompt = random.Random(2)
    with open(os.path.join(folder, "prompts.jsonl"), "w") as file:
        for _ in range(4):
            json.dump({"input_ids": [1] + [prompt.randrange(3, sizes["vocab_size"]) for _ in range(511)]}, file)
            file.write("\n")
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in SIZES or sys.argv[2] not in TYPES:
        sys.exit(f"usage: make_model.py {'|'.join(SIZES)} {'|'.join(TYPES)} FOLDER")
    write(*sys.argv[1:])
    million = sum(count(shape) for _, shape in tensors(SIZES[sys.argv[1]])) / 1e6
    print(f"{sys.argv[3]}: {million:.1f} million parameters, {sys.argv[2]}")


if __name__ == "__main__":
    main()
