"""Writes the fixtures of NumericsTests: files made by the safetensors package, conversions made by numpy and ml_dtypes.

    pip install safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
    python3 make_fixtures.py

`listing.tsv` has a line per tensor: file, name, type, shape, CRC-32 of the bytes, as the safetensors package reads them.
"""

import json
import os
import zlib

import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def halfway(values):
    """Midpoints of neighbours, exact in binary64 and here also in binary32."""
    ordered = np.unique(values[np.isfinite(values)].astype(np.float64))
    return ((ordered[1:] + ordered[:-1]) / 2).astype(np.float32)


def conversions():
    """Values around every kind of rounding edge of binary16 and bfloat16, and the codes they round to."""
    generator = np.random.default_rng(16)
    half = np.arange(0, 0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    brain = np.arange(0, 0x7F80, dtype=np.uint16).view(ml_dtypes.bfloat16).astype(np.float32)
    parts = []
    for table in (half, brain):
        middles = halfway(table)
        pick = np.unique(np.concatenate([np.arange(40), generator.integers(0, len(middles), 300), len(middles) - 1 - np.arange(20)]))
        chosen = middles[pick]
        parts += [chosen, np.nextafter(chosen, np.float32(np.inf)), np.nextafter(chosen, np.float32(0))]
        parts += [table[pick]]
    special = np.array(
        [0.0, np.inf, np.nan, 65504, 65519.996, 65520, 65535, 65536, 2**-24, 2**-25, 1.5 * 2**-25, 2**-26, 3.4028235e38,
         3.3895314e38, 3.3961776e38, 1.1754944e-38, 1e-45, 9.1e-41, 4.6e-41], dtype=np.float32)  # fmt: skip
    random = generator.integers(0, 2**32, 1500, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = np.concatenate(parts + [special])
    x = np.concatenate([x, -x, random]).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "x": x,
            "bf16": x.astype(ml_dtypes.bfloat16).view(np.uint16),
            "f16": x.astype(np.float16).view(np.uint16),
        }


def types():
    """One tensor of each type that numpy and ml_dtypes have, a scalar, an empty one and awkward names."""
    generator = np.random.default_rng(8)
    tensors = {}
    for name, kind in {
        "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i64": np.int64, "u64": np.uint64,
        "i32": np.int32, "u32": np.uint32, "i16": np.int16, "u16": np.uint16, "i8": np.int8, "u8": np.uint8,
        "bool": np.bool_, "e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2, "c64": np.complex64,
    }.items():  # fmt: skip
        tensors[name] = (generator.standard_normal((3, 5)) * 10).astype(kind)
    tensors["scalar"] = np.array(1.5, dtype=np.float32)
    tensors["empty"] = np.zeros((4, 0, 2), dtype=np.float32)
    tensors["a name with spaces, \"quotes\" and \u00e9"] = np.arange(4, dtype=np.int32)
    return tensors


def save_types(path):
    """F4 and E8M0 have no numpy counterpart that save_file takes, so all go through the package's raw interface."""
    tensors = types()
    tensors["f4"] = np.arange(6, dtype=np.uint8).reshape(2, 3)
    tensors["e8m0"] = np.array([0, 1, 127, 254, 255], dtype=np.uint8)
    names = {"f4": "float4_e2m1fn_x2", "e8m0": "float8_e8m0fnu"}
    specs = {
        name: safetensors.TensorSpec(
            dtype=names.get(name, value.dtype.name), shape=list(value.shape), data_ptr=value.ctypes.data, data_len=value.nbytes
        )
        for name, value in tensors.items()
    }
    metadata = {"made by": "safetensors " + safetensors.__version__, "empty": ""}
    with open(path, "wb") as file:
        file.write(safetensors.serialize(specs, metadata))


def sharded(folder):
    os.makedirs(folder, exist_ok=True)
    generator = np.random.default_rng(3)
    shards = {
        "model-00001-of-00002.safetensors": {
            "embed.weight": generator.standard_normal((6, 4)).astype(ml_dtypes.bfloat16),
            "layers.0.weight": generator.standard_normal((4, 4)).astype(np.float32),
        },
        "model-00002-of-00002.safetensors": {"head.weight": generator.standard_normal((6, 4)).astype(ml_dtypes.bfloat16)},
    }
    weight_map = {}
    for shard, tensors in shards.items():
        save_file(tensors, os.path.join(folder, shard), metadata={"format": "pt"})
        weight_map.update({name: shard for name in tensors})
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {"total_size": 160}, "weight_map": weight_map}, file, indent=2)
        file.write("\n")


def listing(root, paths):
    """What the package says about files; the bytes come from its deserialize, not from a tensor library."""
    for path in paths:
        with open(os.path.join(root, path), "rb") as file:
            for name, view in sorted(safetensors.deserialize(file.read())):
                shape = ",".join(str(extent) for extent in view["shape"])
                crc = zlib.crc32(bytes(view["data"]))
                yield f"{path}\t{json.dumps(name)}\t{view['dtype']}\t{shape}\t{crc}\n"


def main():
    save_file(conversions(), os.path.join(HERE, "conversions.safetensors"))
    save_types(os.path.join(HERE, "types.safetensors"))
    sharded(os.path.join(HERE, "sharded"))
    paths = ["conversions.safetensors", "types.safetensors"]
    paths += sorted("sharded/" + name for name in os.listdir(os.path.join(HERE, "sharded")) if name.endswith("safetensors"))
    with open(os.path.join(HERE, "listing.tsv"), "w") as file:
        file.writelines(listing(HERE, paths))


if __name__ == "__main__":
    main()
