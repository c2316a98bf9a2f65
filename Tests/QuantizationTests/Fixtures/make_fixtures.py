#!/usr/bin/env python3
"""Writes gptq.safetensors and, from a tiny gpt-oss checkpoint, gptoss.safetensors.

    make_fixtures.py                      gptq.safetensors
    make_fixtures.py GOLDEN_GPTOSS_FOLDER gptoss.safetensors, cut from that folder

gptq.safetensors: GPTQ in float64 with numpy alone, from the paper (https://arxiv.org/abs/2210.17323) as its equations 2 and 3
stand: one column after the other, all later columns corrected at once, and the inverse Hessian shrunk by Gaussian
elimination after each column. Neither lazy batches nor a Cholesky factor, which the code under test has, so that both
ways to the same numbers check each other.
"""
import json
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def write(path, tensors):
    names = {np.dtype("float32"): "F32", np.dtype("uint8"): "U8"}
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    types = {"F32": np.float32, "U8": np.uint8}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__" and entry["dtype"] in types:
            start, end = entry["data_offsets"]
            yield name, np.frombuffer(data[8 + length + start:8 + length + end], types[entry["dtype"]]).reshape(
                entry["shape"])


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
E4M3 = np.array([(m / 8 * 2.0**-6) if e == 0 else (1 + m / 8) * 2.0**(e - 7)
                 for e in range(16) for m in range(8)][:127])


def nearest(values, table):
    """Codes of the nearest magnitudes, ties to the even code, sign above."""
    magnitude = np.minimum(np.abs(values).astype(np.float64), table[-1])
    low = np.clip(np.searchsorted(table, magnitude, side="right") - 1, 0, len(table) - 2)
    down, up = magnitude - table[low], table[low + 1] - magnitude
    code = low + ((up < down) | ((up == down) & (low % 2 == 1)))
    return code, np.where(np.signbit(values), -table[code], table[code])


def bfloat(value):
    bits = np.float32(value).view(np.uint32)
    return (np.uint32((int(bits) + 0x7FFF + (int(bits) >> 16 & 1)) >> 16 << 16)).view(np.float32)


def mx_scale(absmax):
    """Quark's "even" rule, by logarithms: the significand is rounded at 1.75."""
    if absmax == 0:
        return 0
    fraction, exponent = np.frexp(np.float64(absmax))
    exponent = exponent - 1 + (fraction * 2 >= 1.75)
    return int(np.clip(exponent - 2, -127, 127) + 127)


def gptq(weights, activations, kind):
    w = weights.astype(np.float64)
    rows, columns = w.shape
    x = activations.astype(np.float64)
    h = 2 / len(x) * x.T @ x
    dead = np.diag(h) == 0
    h[dead, dead] = 1
    w[:, dead] = 0
    h += 0.01 * np.mean(np.diag(h)) * np.eye(columns)
    inverse = np.linalg.inv(h)
    codes = np.zeros((rows, columns), np.uint8)
    exponents = np.zeros((rows, columns // 32), np.uint8)
    if kind == "fp8":
        scales = np.full((rows, columns), bfloat(np.float32(np.abs(weights).max()) / np.float32(448)), np.float32)
    elif kind == "fp8_block":
        scales = np.zeros((rows, columns), np.float32)
        for i in range(0, rows, 32):
            for j in range(0, columns, 48):
                part = np.abs(weights[i:i + 32, j:j + 48]).max()
                scales[i:i + 32, j:j + 48] = bfloat(np.float32(part) / np.float32(448))
    for j in range(columns):
        if kind == "mxfp4":
            if j % 32 == 0:
                for i in range(rows):
                    exponents[i, j // 32] = mx_scale(np.abs(w[i, j:j + 32].astype(np.float32)).max())
            scale = (2.0**(exponents[:, j // 32].astype(np.float64) - 127)).astype(np.float32)
            code, value = nearest(w[:, j].astype(np.float32) / scale, E2M1)
            codes[:, j] = code + 8 * np.signbit(w[:, j])
        else:
            scale = scales[:, j]
            code, value = nearest(w[:, j].astype(np.float32) / scale, E4M3)
            codes[:, j] = code + 128 * np.signbit(w[:, j])
        rounded = (value.astype(np.float32) * scale).astype(np.float64)
        error = (w[:, j] - rounded) / inverse[j, j]
        w[:, j + 1:] -= np.outer(error, inverse[j, j + 1:])
        inverse = inverse - np.outer(inverse[:, j], inverse[j]) / inverse[j, j]
    if kind == "mxfp4":
        return codes[:, 0::2] | codes[:, 1::2] << 4, exponents
    if kind == "fp8":
        return codes, scales[:1, :1].reshape(())
    return codes, scales[::32, ::48]


def make_gptq():
    random = np.random.default_rng(4)
    rows, columns, tokens = 40, 192, 300
    mix = random.normal(size=(24, columns)) * np.exp(random.normal(size=columns))
    x = (random.normal(size=(tokens, 24)) @ mix + 0.3 * random.normal(size=(tokens, columns))).astype(np.float32)
    x[:, 7] = 0
    w = (random.normal(size=(rows, columns)) * 0.05).astype(np.float32)
    tensors = {"weights": w, "activations": x}
    for kind in ["mxfp4", "fp8", "fp8_block"]:
        tensors[kind + ".codes"], scales = gptq(w, x, kind)
        tensors[kind + ".scales"] = scales if kind == "mxfp4" else np.asarray(scales, np.float32)
    write(os.path.join(HERE, "gptq.safetensors"), tensors)


def make_gptoss(folder):
    name = "model.layers.0.mlp.experts.gate_up_proj"
    tensors = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".safetensors"):
            for key, array in read(os.path.join(folder, file)):
                if key in (name + "_blocks", name + "_scales"):
                    tensors[key] = array[:2]
                if key == "layer0_expert0_gate_up_dequant":
                    tensors["expected"] = array
    write(os.path.join(HERE, "gptoss.safetensors"), tensors)


if len(sys.argv) > 1:
    make_gptoss(sys.argv[1])
else:
    make_gptq()
