#!/usr/bin/env python3
"""Writes the model of Benchmarks/Llama/make_model.py as a GGUF file for llama.cpp. Standard library only.

    Benchmarks/LlamaCpp/make_gguf.py 29m mxfp4 FILE

Types: f16, bf16, q8_0, q4_0, mxfp4. MXFP4 has the codes and scales of the Quark folder, only in llama.cpp's order; Q8_0
and Q4_0 encode the same bfloat16 numbers by ggml's own rules. Where the layers are quantised, embedding and head are
bfloat16, as they are in the Quark folders (a GGUF from llama-quantize would have a head of 6 bits).

Layouts are those of ggml-common.h: a block of 32 numbers is its scale and the codes, number j in the low half of byte j
and number j + 16 in the high half where codes have 4 bits. llama.cpp rotates neighbouring elements, Hugging Face halves,
so the rows of q and k are permuted as its converter does.
"""

import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Llama"))

import make_model  # noqa: E402
import random_weights  # noqa: E402

TYPES = {"f16": (1, 1), "q4_0": (2, 2), "q8_0": (8, 7), "bf16": (30, 32), "mxfp4": (39, 38)}  # ggml type, file type
F32, F16, BF16 = 0, 1, 30
NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def halves(codes):
    """32 codes of 4 bits as 16 bytes."""
    return bytes(codes[j] | codes[j + 16] << 4 for j in range(16))


def q8_0(values):
    out = bytearray()
    for group in random_weights.groups(values):
        scale = max(map(abs, group)) / 127
        out += struct.pack("<e", scale)
        # roundf: halves away from zero.
        out += bytes(int(abs(v) / scale + 0.5) * (1 if v >= 0 else -1) & 0xff for v in group)
    return out


def q4_0(values):
    out = bytearray()
    for group in random_weights.groups(values):
        scale = max(group, key=abs) / -8
        out += struct.pack("<e", scale) + halves([min(15, int(v / scale + 8.5)) for v in group])
    return out


def mxfp4(values):
    codes, scales = random_weights.mxfp4(values)
    out = bytearray()
    for scale, group in zip(scales, random_weights.groups(codes)):
        out.append(scale)
        out += halves(group)
    return out


def ggml_name(name):
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    if name == "lm_head.weight":
        return "output.weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def permuted(rows, heads):
    """Rows of q or k: within a head, element i of the first half beside element i of the second."""
    size = len(rows) // heads
    return [rows[head * size + half * (size // 2) + i]
            for head in range(heads) for i in range(size // 2) for half in (0, 1)]


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def metadata(sizes, file_type):
    heads = sizes["num_attention_heads"]
    yield "general.architecture", "llama"
    yield "general.name", "random weights"
    yield "general.file_type", file_type
    yield "general.alignment", 32
    yield "llama.block_count", sizes["num_hidden_layers"]
    yield "llama.context_length", 2048
    yield "llama.embedding_length", sizes["hidden_size"]
    yield "llama.feed_forward_length", sizes["intermediate_size"]
    yield "llama.attention.head_count", heads
    yield "llama.attention.head_count_kv", sizes["num_key_value_heads"]
    yield "llama.attention.layer_norm_rms_epsilon", 1e-5
    yield "llama.rope.freq_base", 10000.0
    yield "llama.rope.dimension_count", sizes["hidden_size"] // heads
    yield "llama.vocab_size", sizes["vocab_size"]
    yield "tokenizer.ggml.model", "no_vocab"


def value(v):
    """Type and bytes of a metadata value."""
    if isinstance(v, str):
        return struct.pack("<I", 8) + string(v)
    return struct.pack("<If", 6, v) if isinstance(v, float) else struct.pack("<II", 4, v)


def write(size, kind, path):
    """Writes a file, which has its name when it is complete."""
    sizes = make_model.SIZES[size]
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    values = random_weights.draw()
    plain_type = F16 if kind == "f16" else BF16
    plain = random_weights.Stream((random_weights.float16 if kind == "f16" else random_weights.bfloat16)(values))
    encoders = {"q8_0": q8_0, "q4_0": q4_0, "mxfp4": mxfp4}
    packed = random_weights.Stream(encoders[kind](values)) if kind in encoders else plain

    infos, offset = [], 0
    for name, shape, first in make_model.places(sizes):
        stream = packed if make_model.is_linear(name) else plain
        ggml_type = F32 if len(shape) == 1 else TYPES[kind][0] if make_model.is_linear(name) else plain_type
        size = 4 * shape[0] if len(shape) == 1 else make_model.count(shape) // 32 * stream.width
        infos.append((name, shape, first, stream, ggml_type, offset, size))
        offset += (size + 31) // 32 * 32
    entries = list(metadata(sizes, TYPES[kind][1]))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(entries))
    head += b"".join(string(key) + value(v) for key, v in entries)
    for name, shape, _, _, ggml_type, place, _ in infos:
        head += string(ggml_name(name)) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", extent) for extent in reversed(shape)) + struct.pack("<IQ", ggml_type, place)
    with open(path + ".new", "wb") as file:
        file.write(head + bytes(-len(head) % 32))
        for name, shape, first, stream, _, _, size in infos:
            if len(shape) == 1:
                file.write(struct.pack("<f", 1.0) * shape[0])
            elif "q_proj" in name or "k_proj" in name:
                heads = sizes["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
                file.write(b"".join(permuted(stream.rows(first, *shape), heads)))
            else:
                for piece in stream.pieces(first, make_model.count(shape)):
                    file.write(piece)
            file.write(bytes(-size % 32))
    os.replace(path + ".new", path)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in make_model.SIZES or sys.argv[2] not in TYPES:
        sys.exit(f"usage: make_gguf.py {'|'.join(make_model.SIZES)} {'|'.join(TYPES)} FILE")
    write(*sys.argv[1:])
    print(f"{sys.argv[3]}: {os.path.getsize(sys.argv[3]) / 1e6:.1f} MB, {sys.argv[2]}")


if __name__ == "__main__":
    main()
