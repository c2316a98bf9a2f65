/* Pins the layout of the contract, so that a change of it is deliberate.  When a table grows, add the new member's
 * line and leave the old ones alone.  Sizes are those of 64-bit targets. */
#include "mlp_drafts.h"
#include "mlp_plugin.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type " changed")
#define OFFSET(type, member, bytes) \
  _Static_assert(offsetof(type, member) == (bytes), "offset of " #type "." #member " changed")

/* Elements of arrays: their size is their stride and never changes. */
SIZE(mlp_bytes, 16);
SIZE(mlp_result, 40);
SIZE(mlp_query, 48);
SIZE(mlp_response, 40);
SIZE(mlp_tensor, 56);
SIZE(mlp_placement, 32);
SIZE(mlp_bound, 16);
SIZE(mlp_kernel, 32);
SIZE(mlp_code_object, 32);
SIZE(mlp_kernel_family, 40);
SIZE(mlp_kernel_arg, 48);
SIZE(mlp_grid, 28);
SIZE(mlp_quantize_layer, 40);
SIZE(mlp_quantize_stage, 40);
SIZE(mlp_quantize_tensor, 24);

/* Tables of the first release: size, and where the last member stands. */
SIZE(mlp_host, 56);
OFFSET(mlp_host, fail, 48);
SIZE(mlp_samples, 24);
OFFSET(mlp_samples, complete, 16);
SIZE(mlp_device_properties, 48);
OFFSET(mlp_device_properties, max_shared_bytes_per_block, 44);
SIZE(mlp_device, 168);
OFFSET(mlp_device, notify, 144);
OFFSET(mlp_device, event_elapsed, 160);
SIZE(mlp_launch, 48);
OFFSET(mlp_launch, recording_release, 40);
SIZE(mlp_gemm_shape, 40);
SIZE(mlp_gemm_operands, 48);
SIZE(mlp_gemm, 24);
OFFSET(mlp_gemm, gemm, 16);
SIZE(mlp_pool, 24);
OFFSET(mlp_pool, parallel_for, 16);
SIZE(mlp_plugin, 56);
OFFSET(mlp_plugin, destroy, 48);
SIZE(mlp_workload, 56);
OFFSET(mlp_workload, create, 48);
SIZE(mlp_library, 24);
OFFSET(mlp_library, workloads, 16);
SIZE(mlp_dataset, 40);
OFFSET(mlp_dataset, payload, 32);
SIZE(mlp_inference, 40);
OFFSET(mlp_inference, cancel, 32);
SIZE(mlp_tokenizer, 24);
OFFSET(mlp_tokenizer, decode, 16);
SIZE(mlp_accuracy, 32);
OFFSET(mlp_accuracy, finish, 24);
SIZE(mlp_accuracy_report, 24);
OFFSET(mlp_accuracy_report, metrics, 16);
SIZE(mlp_weights, 48);
OFFSET(mlp_weights, bind, 40);
SIZE(mlp_kernel_example, 72);
OFFSET(mlp_kernel_example, args, 40);
OFFSET(mlp_kernel_example, operations, 64);
SIZE(mlp_kernels, 48);
OFFSET(mlp_kernels, example, 32);
OFFSET(mlp_kernels, benchmark, 40);
SIZE(mlp_quantize, 56);
OFFSET(mlp_quantize, advance, 48);
