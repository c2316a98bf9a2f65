/* Pins the layout of the contract, so that a change of it is deliberate.  These are the numbers of release 1.0, on
 * 64-bit targets: a line that fails here is a plugin that breaks.  When a table grows, its new member gets a line and
 * its size changes; nothing else ever does (docs/abi.md). */
#include "mlp_drafts.h"
#include "mlp_plugin.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type " changed")
#define OFFSET(type, member, bytes) \
  _Static_assert(offsetof(type, member) == (bytes), "offset of " #type "." #member " changed")

SIZE(mlp_bytes, 16);
OFFSET(mlp_bytes, data, 0);
OFFSET(mlp_bytes, size, 8);

SIZE(mlp_host, 56);
OFFSET(mlp_host, struct_size, 0);
OFFSET(mlp_host, abi_minor, 4);
OFFSET(mlp_host, impl, 8);
OFFSET(mlp_host, name, 16);
OFFSET(mlp_host, version, 24);
OFFSET(mlp_host, service, 32);
OFFSET(mlp_host, log, 40);
OFFSET(mlp_host, fail, 48);

SIZE(mlp_result, 40);
OFFSET(mlp_result, id, 0);
OFFSET(mlp_result, status, 8);
OFFSET(mlp_result, reserved, 12);
OFFSET(mlp_result, data, 16);
OFFSET(mlp_result, token_count, 32);

SIZE(mlp_samples, 24);
OFFSET(mlp_samples, struct_size, 0);
OFFSET(mlp_samples, reserved, 4);
OFFSET(mlp_samples, first_token, 8);
OFFSET(mlp_samples, complete, 16);

SIZE(mlp_device_properties, 48);
OFFSET(mlp_device_properties, struct_size, 0);
OFFSET(mlp_device_properties, kind, 4);
OFFSET(mlp_device_properties, name, 8);
OFFSET(mlp_device_properties, architecture, 16);
OFFSET(mlp_device_properties, memory_size, 24);
OFFSET(mlp_device_properties, compute_units, 32);
OFFSET(mlp_device_properties, wave_size, 36);
OFFSET(mlp_device_properties, max_threads_per_block, 40);
OFFSET(mlp_device_properties, max_shared_bytes_per_block, 44);

SIZE(mlp_device, 168);
OFFSET(mlp_device, struct_size, 0);
OFFSET(mlp_device, reserved, 4);
OFFSET(mlp_device, count, 8);
OFFSET(mlp_device, properties, 16);
OFFSET(mlp_device, free_memory, 24);
OFFSET(mlp_device, alloc, 32);
OFFSET(mlp_device, free, 40);
OFFSET(mlp_device, alloc_pinned, 48);
OFFSET(mlp_device, free_pinned, 56);
OFFSET(mlp_device, stream_create, 64);
OFFSET(mlp_device, stream_release, 72);
OFFSET(mlp_device, native, 80);
OFFSET(mlp_device, copy, 88);
OFFSET(mlp_device, fill, 96);
OFFSET(mlp_device, event_create, 104);
OFFSET(mlp_device, event_release, 112);
OFFSET(mlp_device, event_record, 120);
OFFSET(mlp_device, event_wait, 128);
OFFSET(mlp_device, synchronize, 136);
OFFSET(mlp_device, notify, 144);
OFFSET(mlp_device, event_synchronize, 152);
OFFSET(mlp_device, event_elapsed, 160);

SIZE(mlp_grid, 28);
OFFSET(mlp_grid, blocks, 0);
OFFSET(mlp_grid, threads, 12);
OFFSET(mlp_grid, shared_bytes, 24);

SIZE(mlp_launch, 48);
OFFSET(mlp_launch, struct_size, 0);
OFFSET(mlp_launch, reserved, 4);
OFFSET(mlp_launch, launch, 8);
OFFSET(mlp_launch, record_begin, 16);
OFFSET(mlp_launch, record_end, 24);
OFFSET(mlp_launch, replay, 32);
OFFSET(mlp_launch, recording_release, 40);

SIZE(mlp_gemm_shape, 40);
OFFSET(mlp_gemm_shape, m, 0);
OFFSET(mlp_gemm_shape, n, 8);
OFFSET(mlp_gemm_shape, k, 16);
OFFSET(mlp_gemm_shape, x_dtype, 24);
OFFSET(mlp_gemm_shape, w_dtype, 28);
OFFSET(mlp_gemm_shape, y_dtype, 32);
OFFSET(mlp_gemm_shape, scaling, 36);

SIZE(mlp_gemm_operands, 48);
OFFSET(mlp_gemm_operands, x, 0);
OFFSET(mlp_gemm_operands, w, 8);
OFFSET(mlp_gemm_operands, y, 16);
OFFSET(mlp_gemm_operands, x_scales, 24);
OFFSET(mlp_gemm_operands, w_scales, 32);
OFFSET(mlp_gemm_operands, reserved, 40);

SIZE(mlp_gemm, 24);
OFFSET(mlp_gemm, struct_size, 0);
OFFSET(mlp_gemm, batch_invariant, 4);
OFFSET(mlp_gemm, prepare, 8);
OFFSET(mlp_gemm, gemm, 16);

SIZE(mlp_pool, 24);
OFFSET(mlp_pool, struct_size, 0);
OFFSET(mlp_pool, reserved, 4);
OFFSET(mlp_pool, threads, 8);
OFFSET(mlp_pool, parallel_for, 16);

SIZE(mlp_plugin, 56);
OFFSET(mlp_plugin, struct_size, 0);
OFFSET(mlp_plugin, reserved, 4);
OFFSET(mlp_plugin, impl, 8);
OFFSET(mlp_plugin, extension, 16);
OFFSET(mlp_plugin, prepare, 24);
OFFSET(mlp_plugin, start, 32);
OFFSET(mlp_plugin, stop, 40);
OFFSET(mlp_plugin, destroy, 48);

SIZE(mlp_workload, 56);
OFFSET(mlp_workload, struct_size, 0);
OFFSET(mlp_workload, reserved, 4);
OFFSET(mlp_workload, id, 8);
OFFSET(mlp_workload, title, 16);
OFFSET(mlp_workload, version, 24);
OFFSET(mlp_workload, benchmark, 32);
OFFSET(mlp_workload, options, 40);
OFFSET(mlp_workload, create, 48);

SIZE(mlp_library, 24);
OFFSET(mlp_library, struct_size, 0);
OFFSET(mlp_library, abi_minor, 4);
OFFSET(mlp_library, workload_count, 8);
OFFSET(mlp_library, reserved, 12);
OFFSET(mlp_library, workloads, 16);

SIZE(mlp_dataset, 40);
OFFSET(mlp_dataset, struct_size, 0);
OFFSET(mlp_dataset, reserved, 4);
OFFSET(mlp_dataset, size, 8);
OFFSET(mlp_dataset, load, 16);
OFFSET(mlp_dataset, unload, 24);
OFFSET(mlp_dataset, payload, 32);

SIZE(mlp_query, 48);
OFFSET(mlp_query, id, 0);
OFFSET(mlp_query, index, 8);
OFFSET(mlp_query, payload, 16);
OFFSET(mlp_query, token_count, 32);
OFFSET(mlp_query, reserved, 40);

SIZE(mlp_inference, 40);
OFFSET(mlp_inference, struct_size, 0);
OFFSET(mlp_inference, claims, 4);
OFFSET(mlp_inference, warm_up, 8);
OFFSET(mlp_inference, issue, 16);
OFFSET(mlp_inference, flush, 24);
OFFSET(mlp_inference, cancel, 32);

SIZE(mlp_tokenizer, 24);
OFFSET(mlp_tokenizer, struct_size, 0);
OFFSET(mlp_tokenizer, vocabulary, 4);
OFFSET(mlp_tokenizer, encode, 8);
OFFSET(mlp_tokenizer, decode, 16);

SIZE(mlp_response, 40);
OFFSET(mlp_response, index, 0);
OFFSET(mlp_response, data, 8);
OFFSET(mlp_response, token_count, 24);
OFFSET(mlp_response, reserved, 32);

SIZE(mlp_accuracy_report, 24);
OFFSET(mlp_accuracy_report, struct_size, 0);
OFFSET(mlp_accuracy_report, passed, 4);
OFFSET(mlp_accuracy_report, text, 8);
OFFSET(mlp_accuracy_report, metrics, 16);

SIZE(mlp_accuracy, 32);
OFFSET(mlp_accuracy, struct_size, 0);
OFFSET(mlp_accuracy, reserved, 4);
OFFSET(mlp_accuracy, begin, 8);
OFFSET(mlp_accuracy, add, 16);
OFFSET(mlp_accuracy, finish, 24);

SIZE(mlp_tensor, 56);
OFFSET(mlp_tensor, name, 0);
OFFSET(mlp_tensor, folder, 8);
OFFSET(mlp_tensor, shape, 16);
OFFSET(mlp_tensor, rank, 24);
OFFSET(mlp_tensor, dtype, 28);
OFFSET(mlp_tensor, flags, 32);
OFFSET(mlp_tensor, scales, 36);
OFFSET(mlp_tensor, block, 40);
OFFSET(mlp_tensor, shard_axis, 44);
OFFSET(mlp_tensor, reserved, 48);

SIZE(mlp_placement, 32);
OFFSET(mlp_placement, name, 0);
OFFSET(mlp_placement, sources, 8);
OFFSET(mlp_placement, source_count, 16);
OFFSET(mlp_placement, reserved, 20);
OFFSET(mlp_placement, size, 24);

SIZE(mlp_bound, 16);
OFFSET(mlp_bound, data, 0);
OFFSET(mlp_bound, size, 8);

SIZE(mlp_weights, 48);
OFFSET(mlp_weights, struct_size, 0);
OFFSET(mlp_weights, tensor_count, 4);
OFFSET(mlp_weights, tensors, 8);
OFFSET(mlp_weights, placements, 16);
OFFSET(mlp_weights, placement_count, 24);
OFFSET(mlp_weights, reserved, 28);
OFFSET(mlp_weights, place, 32);
OFFSET(mlp_weights, bind, 40);

SIZE(mlp_kernel, 32);
OFFSET(mlp_kernel, name, 0);
OFFSET(mlp_kernel, signature, 8);
OFFSET(mlp_kernel, twin, 16);
OFFSET(mlp_kernel, family, 24);
OFFSET(mlp_kernel, reserved, 28);

SIZE(mlp_code_object, 32);
OFFSET(mlp_code_object, target, 0);
OFFSET(mlp_code_object, image, 8);
OFFSET(mlp_code_object, reserved, 24);

SIZE(mlp_kernel_family, 40);
OFFSET(mlp_kernel_family, name, 0);
OFFSET(mlp_kernel_family, source, 8);
OFFSET(mlp_kernel_family, code_objects, 24);
OFFSET(mlp_kernel_family, code_object_count, 32);
OFFSET(mlp_kernel_family, reserved, 36);

SIZE(mlp_kernel_arg, 48);
OFFSET(mlp_kernel_arg, data, 0);
OFFSET(mlp_kernel_arg, size, 8);
OFFSET(mlp_kernel_arg, flags, 16);
OFFSET(mlp_kernel_arg, dtype, 20);
OFFSET(mlp_kernel_arg, expected, 24);
OFFSET(mlp_kernel_arg, absolute_tolerance, 32);
OFFSET(mlp_kernel_arg, relative_tolerance, 40);

SIZE(mlp_kernel_example, 72);
OFFSET(mlp_kernel_example, struct_size, 0);
OFFSET(mlp_kernel_example, arg_count, 4);
OFFSET(mlp_kernel_example, grid, 8);
OFFSET(mlp_kernel_example, reserved, 36);
OFFSET(mlp_kernel_example, args, 40);
OFFSET(mlp_kernel_example, title, 48);
OFFSET(mlp_kernel_example, bytes, 56);
OFFSET(mlp_kernel_example, operations, 64);

SIZE(mlp_kernels, 48);
OFFSET(mlp_kernels, struct_size, 0);
OFFSET(mlp_kernels, kernel_count, 4);
OFFSET(mlp_kernels, kernels, 8);
OFFSET(mlp_kernels, families, 16);
OFFSET(mlp_kernels, family_count, 24);
OFFSET(mlp_kernels, reserved, 28);
OFFSET(mlp_kernels, example, 32);
OFFSET(mlp_kernels, benchmark, 40);

SIZE(mlp_quantize_layer, 40);
OFFSET(mlp_quantize_layer, name, 0);
OFFSET(mlp_quantize_layer, weight, 8);
OFFSET(mlp_quantize_layer, input, 12);
OFFSET(mlp_quantize_layer, outputs, 16);
OFFSET(mlp_quantize_layer, inputs, 24);
OFFSET(mlp_quantize_layer, flags, 32);
OFFSET(mlp_quantize_layer, reserved, 36);

SIZE(mlp_quantize_stage, 40);
OFFSET(mlp_quantize_stage, name, 0);
OFFSET(mlp_quantize_stage, tensors, 8);
OFFSET(mlp_quantize_stage, layers, 16);
OFFSET(mlp_quantize_stage, tensor_count, 24);
OFFSET(mlp_quantize_stage, layer_count, 28);
OFFSET(mlp_quantize_stage, reserved, 32);

SIZE(mlp_quantize_tensor, 24);
OFFSET(mlp_quantize_tensor, data, 0);
OFFSET(mlp_quantize_tensor, size, 8);
OFFSET(mlp_quantize_tensor, dtype, 16);
OFFSET(mlp_quantize_tensor, reserved, 20);

SIZE(mlp_quantize, 56);
OFFSET(mlp_quantize, struct_size, 0);
OFFSET(mlp_quantize, stage_count, 4);
OFFSET(mlp_quantize, stages, 8);
OFFSET(mlp_quantize, first_tensors, 16);
OFFSET(mlp_quantize, first_tensor_count, 24);
OFFSET(mlp_quantize, reserved, 28);
OFFSET(mlp_quantize, state_size, 32);
OFFSET(mlp_quantize, begin, 40);
OFFSET(mlp_quantize, advance, 48);
