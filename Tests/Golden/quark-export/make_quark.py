#!/usr/bin/env python3
"""Writes a tiny Llama with random weights, calibration tokens, and what AMD Quark makes of them.

    make_quark.py OUTPUT_FOLDER      with torch (CPU), transformers, safetensors and amd-quark 0.13

source/              float32 checkpoint: hidden 64, MLP 96, 2 layers, 2 heads, 1 key-value head, vocabulary 96
calibration.jsonl    8 samples of 24 tokens, `input_ids` on each line
NAME/                Quark's export of it with an FP8 KV cache: mxfp4 and fp8 rounded to the nearest; mxfp4_gptq and fp8_gptq with
                     GPTQ as it is by default (desc_act, static_groups); fp8_gptq_column with both off. MXFP4 with both off
                     is left out: Quark 0.13 then exports every group with the scale of its row's last group
"""
import json
import os
import sys

import torch
from torch.utils.data import DataLoader
from transformers import LlamaConfig, LlamaForCausalLM

from quark.torch import LLMTemplate, ModelQuantizer, export_safetensors
from quark.torch.quantization.config.config import GPTQConfig


def model(folder):
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def main():
    output = sys.argv[1]
    source = os.path.join(output, "source")
    torch.manual_seed(7)
    config = LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        vocab_size=96, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, dtype="float32",
    )
    tiny = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, parameter in tiny.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) * (0.5 if "embed" in name else 0.15))
    tiny.save_pretrained(source)
    samples = torch.randint(3, 96, (8, 24))
    with open(os.path.join(output, "calibration.jsonl"), "w", encoding="utf-8") as file:
        for row in samples.tolist():
            file.write(json.dumps({"input_ids": row}) + "\n")
    loader = DataLoader([row for row in samples], batch_size=1)

    inside = [
        "self_attn.k_proj", "self_attn.v_proj", "self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj",
        "mlp.gate_proj", "mlp.down_proj",
    ]
    for name, scheme, ordered in [
        ("mxfp4", "mxfp4", None), ("fp8", "fp8", None), ("mxfp4_gptq", "mxfp4", True), ("fp8_gptq", "fp8", True),
        ("fp8_gptq_column", "fp8", False),
    ]:
        arguments = {"scheme": scheme, "kv_cache_scheme": "fp8", "exclude_layers": ["lm_head"]}
        if ordered is not None:
            gptq = GPTQConfig(
                inside_layer_modules=inside, model_decoder_layers="model.layers", desc_act=ordered,
                static_groups=ordered,
            )
            arguments.update(algorithm="gptq", algo_configs={"gptq": gptq})
        recipe = LLMTemplate.get("llama").get_config(**arguments)
        quantizer = ModelQuantizer(recipe)
        quantised = quantizer.quantize_model(model(source), loader)
        quantised = quantizer.freeze(quantised)
        export_safetensors(quantised, os.path.join(output, name))
        print("made", name)


main()
