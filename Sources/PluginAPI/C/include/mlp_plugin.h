/* mlp_plugin.h - the whole contract between the Podium host and a workload plugin.
 *
 * Plain C11, no dependencies, no allocation shared across the boundary.  The plugin describes and computes; the
 * host executes, times and records.  A plugin never reads the benchmark's clock, writes a log or opens a socket.
 *
 *   dlopen -> mlp_library_v1() -> workloads[i] -> create(host, config) -> plugin
 *   plugin: extension() tables -> prepare -> start -> (issue ... complete)* -> stop -> ... -> destroy
 *
 * Growth.  The plugin asks the host for a *service*, the host asks the plugin for an *extension*; both are named by
 * strings and answered with a table or NULL, and the answer never changes in the life of the object.  Third parties
 * name their own in reverse DNS ("com.example.thing/1").  Every table begins with struct_size and grows only at its
 * end: read what is not in release 1.0 through MLP_HAS.  Elements of arrays, and what stands in a struct by value,
 * never grow.  Reserved fields are zero.  A number that one side does not know (a status, a kind of device, a dtype, a flag)
 * is refused with MLP_UNSUPPORTED or, where it only informs, ignored; so is a member of the JSON of create().
 *
 * This is release 1.0.  What is in it stays as it is: docs/abi.md.
 *
 * Threads.  Every function carries a tag:
 *   [control]  one OS thread for the life of the instance, never concurrent with itself;
 *   [issue]    any OS thread, but never two at once per instance;
 *   [any]      any thread, concurrently.
 * Several instances of a workload may live in one process; each has a control thread of its own, so that whatever the
 * library shares between them must bear concurrent calls, create() included.
 * After '&' comes the instance state the call needs: created -> ready -> running; '+' means or later.  After ';'
 * comes the role that uses it, if not every role does.
 * No host function calls back into the plugin before it returns, except parallel_for.
 *
 * Roles.  The configuration names the instance's role.  A *head* owns the samples and needs neither weights nor
 * device; a *worker* computes and needs no data set; *both* is one process doing both.  An instance starts with only
 * its own role's files present.
 *
 * Memory.  Arguments are borrowed for the duration of the call unless a comment says longer.  Pointers found in a
 * table are owned by whoever filled the table and live until destroy() (instance) or process exit (library).  The
 * host's own tables stay until process exit: a call that comes after destroy() is refused and harms nothing.
 * Nothing is ever freed by the side that did not allocate it.
 *
 * Strings are UTF-8 and NUL-terminated.  Functions never throw or unwind across the boundary. */
#ifndef MLP_PLUGIN_H
#define MLP_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The major version is in the entry symbol's name; the minor grows when a table grows at its end. */
#define MLP_ABI_MINOR 0u
#define MLP_EXPORT __attribute__((visibility("default")))

/* True if `table` is long enough to hold `field` and the other side filled it in. */
#define MLP_HAS(table, field)                                                              \
  ((size_t)((const char *)&(table)->field - (const char *)(table)) + sizeof (table)->field \
       <= (table)->struct_size && (table)->field)

/* ---- Results ---------------------------------------------------------------------------------- */

typedef int32_t mlp_status;
enum {
  MLP_OK = 0,
  MLP_INVALID_ARGUMENT = -1,
  MLP_INVALID_STATE = -2,
  MLP_UNSUPPORTED = -3,
  MLP_NOT_FOUND = -4,
  MLP_OUT_OF_MEMORY = -5,
  MLP_DEVICE_ERROR = -6,
  MLP_IO_ERROR = -7,
  MLP_CANCELLED = -8,
  MLP_UNKNOWN_SAMPLE = -9, /* the id was never issued, or belongs to an earlier run */
  MLP_ALREADY_COMPLETE = -10,
  MLP_INTERNAL = -11
};

typedef struct mlp_bytes { const void *data; uint64_t size; } mlp_bytes;

/* ---- What the host offers --------------------------------------------------------------------- */

typedef struct mlp_host mlp_host;
struct mlp_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void *impl;
  const char *name;
  const char *version;

  /* A service table by id ("mlp.device/1"), or NULL.  The answer never changes.  [any] */
  const void *(*service)(const mlp_host *host, const char *id);

  /* level: 0 debug, 1 info, 2 warning, 3 error.  The message is copied.  [any] */
  void (*log)(const mlp_host *host, int32_t level, const char *message);

  /* Records why the current call fails and returns `status`, so that a plugin can write
   * `return host->fail(host, MLP_IO_ERROR, "no such checkpoint: ...");`   [any] */
  mlp_status (*fail)(const mlp_host *host, mlp_status status, const char *message);
};

/* Reporting results.  The host reads its clock on entry; a plugin never supplies a time.  Every issued sample
 * completes exactly once.  first_token, where the workload has tokens, comes at most once and before that, with the
 * first token as its data.  A batch may mix good and bad results: the good ones count, and the first bad one's status
 * is returned.  Both may be called inside issue(), and on the thread of a notification (mlp_device). */
#define MLP_SAMPLES "mlp.samples/1"
typedef uint64_t mlp_sample_id; /* opaque, never 0, never reused within a process */
typedef struct mlp_result {
  mlp_sample_id id;
  mlp_status status; /* anything but MLP_OK marks this sample failed */
  uint32_t reserved;
  mlp_bytes data; /* borrowed until the call returns */
  uint64_t token_count; /* 0 if tokens make no sense for this workload */
} mlp_result;
typedef struct mlp_samples {
  uint32_t struct_size;
  uint32_t reserved;
  mlp_status (*first_token)(const mlp_host *host, const mlp_result *results, uint64_t count); /* [any & running] */
  mlp_status (*complete)(const mlp_host *host, const mlp_result *results, uint64_t count); /* [any & running] */
} mlp_samples;

/* The devices of this instance's group, ordinals 0..count-1: alike, of one kind and one architecture.
 *
 * Work on a stream happens in order and asynchronously; one stream is used by one thread at a time, different streams
 * by different threads.  Between streams only events make an order: two pieces of work on two streams may overlap and
 * end in any order, also where a CPU happens to do them in the order in which they were given.
 *
 * Device memory is for kernels, copies and fills.  The host's processor must not touch it, though on a CPU it could.
 * It may be used on every stream of its device, and copied from and to every device of the group.
 *
 * An error of queued work shows at a later call on its stream, at the latest where somebody waits.  After
 * MLP_DEVICE_ERROR nothing that was queued counts; complete the samples concerned with that status. */
#define MLP_DEVICE "mlp.device/1"
enum { MLP_DEVICE_CPU = 0, MLP_DEVICE_HIP = 1, MLP_DEVICE_CUDA = 2 };
typedef struct mlp_stream mlp_stream;
typedef struct mlp_event mlp_event;
typedef struct mlp_device_properties {
  uint32_t struct_size; /* filled in by the caller: the host writes no more than this */
  int32_t kind; /* MLP_DEVICE_... */
  const char *name; /* as the driver says it; lives as long as the instance */
  /* What code is compiled for: "gfx950", "sm_90", "x86-64-avx512", ...; without features ("gfx942:xnack-"). */
  const char *architecture;
  uint64_t memory_size; /* bytes */
  uint32_t compute_units; /* CUs, SMs, or CPU threads */
  uint32_t wave_size; /* 64, 32, or 1 */
  uint32_t max_threads_per_block;
  uint32_t max_shared_bytes_per_block;
} mlp_device_properties;
typedef struct mlp_device {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*count)(const mlp_host *host); /* [any] */
  mlp_status (*properties)(const mlp_host *host, uint32_t device, mlp_device_properties *out); /* [any] */
  mlp_status (*free_memory)(const mlp_host *host, uint32_t device, uint64_t *bytes); /* [any] */

  /* Device memory: at least 256-byte aligned, not initialised; MLP_OUT_OF_MEMORY where there is not enough.  May wait
   * for the device, so allocate in prepare().  `free` what no queued work uses any more.  [any] */
  mlp_status (*alloc)(const mlp_host *host, uint32_t device, uint64_t size, void **out);
  void (*free)(const mlp_host *host, uint32_t device, void *memory);
  /* Host memory that copies can overlap with; every device of the group may read and write it.  [any] */
  mlp_status (*alloc_pinned)(const mlp_host *host, uint64_t size, void **out);
  void (*free_pinned)(const mlp_host *host, void *memory);

  mlp_status (*stream_create)(const mlp_host *host, uint32_t device, mlp_stream **out); /* [any] */
  void (*stream_release)(const mlp_host *host, mlp_stream *stream); /* waits for its work first;  [any] */
  /* The hipStream_t or CUstream behind it, for libraries of the plugin's own; NULL on a CPU.  Which device is current
   * in a thread is not kept: a plugin that calls HIP or CUDA itself sets it first.  [any] */
  void *(*native)(const mlp_host *host, mlp_stream *stream);

  /* Asynchronous, in any direction: both ranges stay valid and unchanged until the stream has passed the copy.  Host
   * memory that is not pinned is allowed, and may make the call wait; in a recording it is not, since the memory is
   * read and written at each replay.  [any] */
  mlp_status (*copy)(const mlp_host *host, mlp_stream *stream, void *to, const void *from, uint64_t size);
  mlp_status (*fill)(const mlp_host *host, mlp_stream *stream, void *to, uint8_t value, uint64_t size); /* [any] */

  /* An event is recorded on streams of its device and waited for by any stream of the group.  Recording it again moves
   * it; who waits already waits for the point where it was.  [any] */
  mlp_status (*event_create)(const mlp_host *host, uint32_t device, mlp_event **out);
  void (*event_release)(const mlp_host *host, mlp_event *event); /* [any] */
  mlp_status (*event_record)(const mlp_host *host, mlp_stream *stream, mlp_event *event); /* [any] */
  mlp_status (*event_wait)(const mlp_host *host, mlp_stream *stream, mlp_event *event); /* the stream waits;  [any] */

  /* Blocks until everything queued so far has finished; returns the first error of that work.  [any] */
  mlp_status (*synchronize)(const mlp_host *host, mlp_stream *stream);
  /* Calls `done` exactly once, on a host thread, when everything queued so far has finished, with the first error of
   * that work.  It may call every function but those that wait; it must not block: other notifications wait behind it.
   * [any] */
  mlp_status (*notify)(const mlp_host *host, mlp_stream *stream,
                       void (*done)(void *context, mlp_status status), void *context);

  /* Blocks until the stream has passed the point that the event marked last; one that marks nothing is passed.
   * Returns an error of the work before it, as far as the driver knows of one then.  [any] */
  mlp_status (*event_synchronize)(const mlp_host *host, mlp_event *event);
  /* The device's time between the points that two events marked, both passed.  [any] */
  mlp_status (*event_elapsed)(const mlp_host *host, mlp_event *start, mlp_event *end, float *milliseconds);
} mlp_device;

/* Launches of the kernels that the plugin declared (mlp_kernels, below), by index, from prepare() on and within the
 * calls of mlp_quantize.
 *
 * A recording is a sequence of launches, copies and fills made once and replayed often (a HIP or CUDA graph, or the
 * CPU's own form of it): arguments, grids and addresses are fixed, what changes lives in device memory or in pinned
 * memory that a recorded copy reads. */
#define MLP_LAUNCH "mlp.launch/1"
typedef struct mlp_recording mlp_recording;
typedef struct mlp_grid { uint32_t blocks[3], threads[3], shared_bytes; } mlp_grid;
typedef struct mlp_launch {
  uint32_t struct_size;
  uint32_t reserved;
  /* args[i] points at the i-th argument, of the type that the declared signature says; the values are copied before
   * the call returns.  A grid with no block does nothing.  [any] */
  mlp_status (*launch)(const mlp_host *host, mlp_stream *stream, uint32_t kernel, const mlp_grid *grid,
                       const void *const *args, uint32_t arg_count);
  /* Between begin and end, launches, copies and fills given to `stream` are recorded and not executed; everything else
   * on it is MLP_INVALID_STATE.  Other streams work on as always.  [any] */
  mlp_status (*record_begin)(const mlp_host *host, mlp_stream *stream);
  mlp_status (*record_end)(const mlp_host *host, mlp_stream *stream, mlp_recording **out);
  /* On any stream of the device that it was recorded on; replays of one recording do not overlap.  [any] */
  mlp_status (*replay)(const mlp_host *host, mlp_stream *stream, mlp_recording *recording);
  void (*recording_release)(const mlp_host *host, mlp_recording *recording); /* after its last replay;  [any] */
} mlp_launch;

/* Dense matrix products on a stream: y[m,n] = x[m,k] * w[n,k]^T, all row-major and dense, with sums in float32.
 *
 * The product is the vendor's library on a GPU that has one (batch_invariant 0), else the host's own kernels, which take
 * x and y in float32 and w in float32, bfloat16, half or E4M3.  What cannot be multiplied is MLP_UNSUPPORTED. */
#define MLP_GEMM "mlp.gemm/1"
enum {
  MLP_GEMM_UNSCALED = 0,
  MLP_GEMM_SCALED = 1, /* one float32 for all of x and one for all of w */
  MLP_GEMM_BLOCKS = 2 /* an MLP_E8M0 for each 32 elements of a row of x and of w: [rows, k / 32] */
};
typedef struct mlp_gemm_shape {
  uint64_t m, n, k;
  int32_t x_dtype, w_dtype, y_dtype; /* MLP_F32, MLP_BF16, ... */
  uint32_t scaling; /* MLP_GEMM_... */
} mlp_gemm_shape;
typedef struct mlp_gemm_operands {
  const void *x, *w;
  void *y;
  const void *x_scales, *w_scales; /* NULL if unscaled */
  uint64_t reserved;
} mlp_gemm_operands; /* all in the device's memory */
typedef struct mlp_gemm {
  uint32_t struct_size;
  uint32_t batch_invariant; /* 1: a row's result does not depend on the other rows */
  /* Chooses how to multiply a shape on the stream's device and takes the memory that this needs: from here on gemm()
   * allocates nothing for it and may be recorded.  Not while the stream is being recorded.  [any] */
  mlp_status (*prepare)(const mlp_host *host, mlp_stream *stream, const mlp_gemm_shape *shape);
  mlp_status (*gemm)(const mlp_host *host, mlp_stream *stream, const mlp_gemm_shape *shape,
                     const mlp_gemm_operands *operands); /* [any] */
} mlp_gemm;

/* The host's threads, for loading and for CPU stages. */
#define MLP_POOL "mlp.pool/1"
typedef struct mlp_pool {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*threads)(const mlp_host *host); /* [any] */
  /* Blocks until body ran once for every index.  From [control] or a thread of your own, never from a body
   * (MLP_INVALID_STATE). */
  mlp_status (*parallel_for)(const mlp_host *host, uint64_t count,
                             void (*body)(void *context, uint64_t index), void *context);
} mlp_pool;

/* ---- What a plugin is ------------------------------------------------------------------------- */

typedef struct mlp_plugin mlp_plugin;
struct mlp_plugin {
  uint32_t struct_size;
  uint32_t reserved;
  void *impl;
  const void *(*extension)(const mlp_plugin *self, const char *id); /* stable answer;  [any] */
  mlp_status (*prepare)(const mlp_plugin *self); /* created -> ready; slow work goes here;  [control & created] */
  mlp_status (*start)(const mlp_plugin *self); /* ready -> running;  [control & ready] */
  mlp_status (*stop)(const mlp_plugin *self); /* running -> ready; no completion after it;  [control & running] */
  void (*destroy)(const mlp_plugin *self); /* [control], not while running */
};

typedef struct mlp_workload mlp_workload;
struct mlp_workload {
  uint32_t struct_size;
  uint32_t reserved;
  const char *id; /* "mlperf.llama2-70b", or "com.example.thing" for third parties */
  const char *title;
  const char *version;
  const char *benchmark; /* MLPerf's name for it, as in mlperf.conf ("llama2-70b"), or NULL */
  /* A JSON array, one object for each option of create(): "name", "type" ("boolean", "integer", "number", "string"
   * or "path"), "help", and optionally "default", "minimum", "maximum", "values" (allowed strings), "required". */
  const char *options;

  /* `config` is a JSON object:
   *   "role"     "head", "worker" or "both"
   *   "model"    folder of the checkpoint, or absent
   *   "dataset"  file or folder, or absent
   *   "devices"  size of the group, at least 1 for a worker
   *   "device"   what each device of the group is: {"kind": "cpu", "hip" or "cuda", "architecture": as in
   *              mlp_device_properties}; absent for a head
   *   "options"  one member for every option, already checked, defaults filled in
   * create may read small metadata (config.json, safetensors headers, a tokenizer), never tensor data, and touches
   * no device.  After it the extension tables are final.  On failure *out is left alone.  [control] */
  mlp_status (*create)(const mlp_workload *self, const mlp_host *host, const char *config, const mlp_plugin **out);
};

typedef struct mlp_library {
  uint32_t struct_size;
  uint32_t abi_minor;
  uint32_t workload_count;
  uint32_t reserved;
  const mlp_workload *const *workloads;
} mlp_library;

/* The one symbol a plugin exports.  Cheap, idempotent, touches no device.  [any] */
MLP_EXPORT const mlp_library *mlp_library_v1(void);

/* ---- What a plugin may offer ------------------------------------------------------------------ */

/* The benchmark's samples, on the node that runs LoadGen. */
#define MLP_DATASET "mlp.dataset/1"
typedef struct mlp_dataset {
  uint32_t struct_size;
  uint32_t reserved;
  /* How many samples there are, and how many fit in memory at once.  [control & ready+; head] */
  mlp_status (*size)(const mlp_plugin *self, uint64_t *total, uint64_t *performance);
  mlp_status (*load)(const mlp_plugin *self, const uint64_t *indices, uint64_t count); /* [control & ready+; head] */
  mlp_status (*unload)(const mlp_plugin *self, const uint64_t *indices, uint64_t count); /* [control & ready+; head] */
  /* The bytes that a worker needs for a loaded sample, and their length in tokens (0 if that makes no sense).
   * The bytes stay valid until unload.  [issue & ready+; head] */
  mlp_status (*payload)(const mlp_plugin *self, uint64_t index, mlp_bytes *out, uint64_t *token_count);
} mlp_dataset;

/* The system under test, on the nodes that own accelerators.  issue returns at once: the schedule is waiting.
 * flush means nothing more is coming for now, so hold nothing back to fill a batch.  A cancelled sample still
 * completes, with MLP_CANCELLED or with the result it had. */
#define MLP_INFERENCE "mlp.inference/1"
typedef struct mlp_query {
  mlp_sample_id id;
  uint64_t index;
  mlp_bytes payload; /* valid until this sample has completed: no copy is needed */
  uint64_t token_count; /* of the payload; 0 if unknown */
  uint64_t reserved;
} mlp_query;
enum {
  /* Results are tokens: first_token is reported and token_count filled in.  Payloads and results are token ids, int32,
   * little-endian, so that the host can show them as text and MLPerf's scripts can score them. */
  MLP_TOKENS = 1u << 0,
  MLP_DETERMINISTIC = 1u << 1, /* the same payload gives the same bytes in every run on this machine */
  MLP_BATCH_INVARIANT = 1u << 2 /* ... and whatever else is in flight */
};
typedef struct mlp_inference {
  uint32_t struct_size;
  uint32_t claims; /* MLP_TOKENS | ... */
  mlp_status (*warm_up)(const mlp_plugin *self); /* untimed, with synthetic data;  [control & running; worker] */
  mlp_status (*issue)(const mlp_plugin *self, const mlp_query *queries, uint64_t count); /* [issue & running; worker] */
  mlp_status (*flush)(const mlp_plugin *self); /* [issue & running; worker] */
  mlp_status (*cancel)(const mlp_plugin *self, const mlp_sample_id *ids, uint64_t count); /* [any & running; worker] */
} mlp_inference;

/* Text in, tokens out, and back.  Writes up to `capacity`, always reports the full `count`, so that capacity 0 asks
 * for the size.  A token id beyond the vocabulary is MLP_INVALID_ARGUMENT.  [any & created+; head] */
#define MLP_TOKENIZER "mlp.tokenizer/1"
typedef struct mlp_tokenizer {
  uint32_t struct_size;
  uint32_t vocabulary;
  mlp_status (*encode)(const mlp_plugin *self, mlp_bytes text, uint32_t *tokens, uint64_t capacity, uint64_t *count);
  mlp_status (*decode)(const mlp_plugin *self, const uint32_t *tokens, uint64_t token_count, char *text,
                       uint64_t capacity, uint64_t *count);
} mlp_tokenizer;

/* Scoring of an accuracy log.  The host reads the log and hands its entries over in order, in as many calls as it
 * likes, between begin and finish. */
#define MLP_ACCURACY "mlp.accuracy/1"
typedef struct mlp_response {
  uint64_t index; /* of the sample in the data set */
  mlp_bytes data; /* what complete() was given */
  uint64_t token_count;
  uint64_t reserved;
} mlp_response;
typedef struct mlp_accuracy_report {
  uint32_t struct_size; /* filled in by the caller */
  uint32_t passed; /* 1 if every target is met, else 0 */
  const char *text; /* what the submission checker reads: the body of accuracy.txt */
  const char *metrics; /* JSON: [{"name":..., "value":..., "minimum":..., "maximum":...}, ...] */
} mlp_accuracy_report;
typedef struct mlp_accuracy {
  uint32_t struct_size;
  uint32_t reserved;
  mlp_status (*begin)(const mlp_plugin *self); /* [control & ready+; head] */
  mlp_status (*add)(const mlp_plugin *self, const mlp_response *responses, uint64_t count); /* [control & ready+; head] */
  /* The report's strings live until the next begin or destroy.  [control & ready+; head] */
  mlp_status (*finish)(const mlp_plugin *self, mlp_accuracy_report *out);
} mlp_accuracy;

/* The weights a plugin needs.  The host finds, maps, checks, hashes, shards and uploads them between create and
 * prepare, then calls bind once per device.
 *
 * A tensor's name, shape and dtype are exactly those of the file's header; what they mean is the plugin's affair.
 * Shapes count stored elements.  Where a kernel wants another layout, the plugin declares a *placement*: its size, the
 * tensors it is made of, and place(), which the host calls placement by placement, on any thread; the source pages are
 * released afterwards, so that no weight is ever held twice. */
#define MLP_WEIGHTS "mlp.weights/1"
enum {
  MLP_F32 = 1, MLP_BF16, MLP_F16, MLP_F8E4M3, MLP_F8E5M2, MLP_F4E2M1, MLP_E8M0, MLP_I8, MLP_U8, MLP_I32,
  MLP_F8E4M3FNUZ, MLP_I64, MLP_F64, MLP_BOOL, MLP_I16
};
enum {
  MLP_TENSOR_OPTIONAL = 1u << 0, /* may be absent (tied head, biases, KV scales): bound to NULL */
  MLP_TENSOR_MUTABLE = 1u << 1, /* bound to a private copy that the plugin may write */
  MLP_TENSOR_NO_FILE = 1u << 2, /* in no file: allocated, zeroed, and initialised by the plugin */
  MLP_TENSOR_SOURCE = 1u << 3 /* read by place() alone: bound to NULL */
};
enum { MLP_REPLICATED = -1, MLP_NO_SCALES = -1 };
typedef struct mlp_tensor {
  const char *name; /* as in the checkpoint */
  const char *folder; /* of the model folder ("transformer"), or NULL for the model folder itself */
  const uint64_t *shape;
  uint32_t rank;
  int32_t dtype;
  uint32_t flags; /* MLP_TENSOR_... */
  int32_t scales; /* index of the tensor that scales this one, or MLP_NO_SCALES */
  uint32_t block; /* elements of the last axis that share a scale; 0: the whole tensor does */
  int32_t shard_axis; /* split across the group, or MLP_REPLICATED */
  uint64_t reserved;
} mlp_tensor;
typedef struct mlp_placement {
  const char *name;
  const uint32_t *sources; /* indices of tensors */
  uint32_t source_count;
  uint32_t reserved;
  uint64_t size; /* bytes on each device of the group */
} mlp_placement;
typedef struct mlp_bound { void *data; uint64_t size; } mlp_bound; /* on the device; {NULL, 0} if there is none */
typedef struct mlp_weights {
  uint32_t struct_size;
  uint32_t tensor_count;
  const mlp_tensor *tensors;
  const mlp_placement *placements;
  uint32_t placement_count;
  uint32_t reserved;
  /* Fills `destination` (host memory of the placement's size) for device `shard` of `shard_count` from whole source
   * tensors.  [any & created; worker] */
  mlp_status (*place)(const mlp_plugin *self, uint32_t placement, uint32_t shard, uint32_t shard_count,
                      const mlp_bytes *sources, void *destination);
  /* `bound` holds the tensors, then the placements, in the order of their tables; its `count` is the sum of both.
   * The memory lives until destroy.  [control & created; worker] */
  mlp_status (*bind)(const mlp_plugin *self, uint32_t device, const mlp_bound *bound, uint32_t count);
} mlp_weights;

/* The kernels a plugin brings, in families of one HIP source each.  A kernel is found by its name (extern "C") in the
 * code of its family for the device's architecture: a code object of code_objects, else one that lies beside the
 * library (libX.kernels/FAMILY.TARGET.SHA256-OF-THE-SOURCE.co, made by Scripts/kernels.sh), else what hiprtc or NVRTC
 * makes of the source, as C++17, without any header and without fusing multiplications and additions.  An object that
 * is damaged or for another target is passed over with a warning.  A family without code for a device fails where one
 * of its kernels is launched.  On a CPU the twin is called.
 *
 * Kernels of one instance have different names, and so have its families: 1 to 64 letters, digits, '_' and '-'.
 *
 * Signature, one letter for each argument: p pointer, i int32, l int64, f float, d double.
 *
 * A twin is the same computation in plain C, called as
 *     void twin(const mlp_grid *grid, uint64_t first_block, uint64_t last_block, args...)
 * for blocks first_block <= b < last_block of the grid, counted x fastest, on any thread, several ranges at once, with
 * the same bits however the blocks are split. */
#define MLP_KERNELS "mlp.kernels/1"
typedef struct mlp_kernel {
  const char *name;
  const char *signature;
  void (*twin)(void); /* cast to the type above; or NULL */
  uint32_t family; /* index into the families */
  uint32_t reserved;
} mlp_kernel;
/* An image as the driver's module loader takes it: an ELF code object, for hip also a bundle, for cuda also PTX. */
typedef struct mlp_code_object { const char *target; mlp_bytes image; uint64_t reserved; } mlp_code_object;
typedef struct mlp_kernel_family {
  const char *name;
  mlp_bytes source; /* HIP C++; size 0 if the family has no GPU form yet */
  const mlp_code_object *code_objects; /* for "gfx942", "gfx950", ... */
  uint32_t code_object_count;
  uint32_t reserved;
} mlp_kernel_family;

/* One worked example of a launch, by which anybody can check a kernel against its twin and both against numbers. */
enum {
  MLP_ARG_OUTPUT = 1u << 0,
  MLP_ARG_RANDOM = 1u << 1 /* of a benchmark: data is NULL, the host fills the buffer with normally distributed numbers */
};
typedef struct mlp_kernel_arg {
  const void *data; /* the value of a scalar; the initial content of a buffer that the host places on the device */
  uint64_t size; /* bytes */
  uint32_t flags; /* MLP_ARG_OUTPUT: compared after the launch */
  int32_t dtype; /* elements of an output, or of a buffer that the host fills: MLP_F32, ... */
  const double *expected; /* one value for each element of an output, from a reference in double; or NULL */
  double absolute_tolerance; /* |got - wanted| <= absolute + relative * |wanted| */
  double relative_tolerance;
} mlp_kernel_arg;
typedef struct mlp_kernel_example {
  uint32_t struct_size; /* filled in by the caller */
  uint32_t arg_count;
  mlp_grid grid;
  uint32_t reserved;
  const mlp_kernel_arg *args;
  /* Of a benchmark: what it is a case of ("Llama 2 70B, QKV, batch 64"), and the least that the launch must do. */
  const char *title;
  uint64_t bytes; /* read and written, each byte once */
  uint64_t operations; /* a multiply-add counts as two */
} mlp_kernel_example;
typedef struct mlp_kernels {
  uint32_t struct_size;
  uint32_t kernel_count;
  const mlp_kernel *kernels;
  const mlp_kernel_family *families;
  uint32_t family_count;
  uint32_t reserved;
  /* Optional.  Example `number` (0, 1, ...) of a kernel for a kind of device (MLP_DEVICE_...) of an architecture, which
   * need not be the instance's own; MLP_NOT_FOUND after the last.  It lives until the next call or destroy.
   * [control & created+; worker] */
  mlp_status (*example)(const mlp_plugin *self, uint32_t kernel, uint32_t number, int32_t device_kind,
                        const char *architecture, mlp_kernel_example *out);
  /* Optional.  The same for launches of real size, to be timed and not compared.  [control & created+; worker] */
  mlp_status (*benchmark)(const mlp_plugin *self, uint32_t kernel, uint32_t number, int32_t device_kind,
                          const char *architecture, mlp_kernel_example *out);
} mlp_kernels;

/* Quantisation of a checkpoint.  The plugin names the linear layers and computes the calibration samples; formats,
 * GPTQ and files are the host's.
 *
 * The model is a sequence of *stages* (a decoder layer each), so that no more than one stage's weights and statistics
 * are in memory.  A sample is an opaque *state* between two stages (its hidden rows); the host keeps the states, in
 * files that it maps.  For each stage, the host takes every sample through it, once or several times, watches what goes
 * into and comes out of its linear layers, quantises their weights, and goes on with the states that came out.
 *
 * Tensors come from the host with every call, because weights that are quantised already are put in place of those of
 * the files; nothing is bound (mlp_weights) and nothing prepared.  No state may depend on another sample's. */
#define MLP_QUANTIZE "mlp.quantize/1"
enum {
  MLP_LAYER_EXCLUDED = 1u << 0, /* stays as it is (the head, a router) */
  MLP_LAYER_KEYS = 1u << 1, /* its output rows are the cache's keys, before their rotation */
  MLP_LAYER_VALUES = 1u << 2 /* its output rows are the cache's values */
};
typedef struct mlp_quantize_layer {
  const char *name; /* "model.layers.0.mlp.up_proj"; its weight is the tensor of that name and ".weight" */
  uint32_t weight; /* which of the stage's tensors that is: [outputs, inputs] */
  uint32_t input; /* layers of a stage with the same number have the same input rows; numbered as they are computed */
  uint64_t outputs;
  uint64_t inputs;
  uint32_t flags; /* MLP_LAYER_... */
  uint32_t reserved;
} mlp_quantize_layer;
typedef struct mlp_quantize_stage {
  const char *name; /* "model.layers.0" */
  const char *const *tensors; /* those that advance() reads, by their names in the checkpoint */
  const mlp_quantize_layer *layers;
  uint32_t tensor_count;
  uint32_t layer_count;
  uint64_t reserved;
} mlp_quantize_stage;
/* A whole tensor where the device reads it: as in the file, or float32 if it is a weight quantised and decoded again. */
typedef struct mlp_quantize_tensor {
  const void *data;
  uint64_t size;
  int32_t dtype; /* MLP_F32, ... */
  uint32_t reserved;
} mlp_quantize_tensor;
enum { MLP_OBSERVE_INPUT = 1u << 0, MLP_OBSERVE_OUTPUT = 1u << 1 };
/* Takes note of the input rows [row_count, inputs] or the output rows [row_count, outputs] of one of the stage's
 * layers, float32, in host memory, borrowed.  Called on the thread of advance(), outside of any parallel_for.
 * Anything but MLP_OK: advance() returns it at once. */
typedef mlp_status (*mlp_observe)(void *context, uint32_t layer, uint32_t what, const float *rows, uint64_t row_count);
typedef struct mlp_quantize {
  uint32_t struct_size;
  uint32_t stage_count; /* 0: this instance cannot quantise (a head, a checkpoint that is quantised already) */
  const mlp_quantize_stage *stages;
  const char *const *first_tensors; /* those that begin() reads */
  uint32_t first_tensor_count;
  uint32_t reserved;
  /* Bytes of a sample's state, the same before every stage.  [control & created; worker] */
  mlp_status (*state_size)(const mlp_plugin *self, mlp_bytes payload, uint64_t *out);
  /* The state before the first stage; `state` is 64-byte aligned.  [control & created; worker] */
  mlp_status (*begin)(const mlp_plugin *self, mlp_bytes payload, const mlp_quantize_tensor *tensors, void *state);
  /* Takes a state through a stage.  `wanted` has MLP_OBSERVE_... for each of the stage's layers: `observe` is called
   * exactly once for each wanted input and output.  `after` NULL: the new state is not needed, and nothing beyond
   * what is wanted is worth computing.  The same arguments give the same bits.  [control & created; worker] */
  mlp_status (*advance)(const mlp_plugin *self, uint32_t stage, const void *before, void *after, uint64_t state_size,
                        const mlp_quantize_tensor *tensors, const uint8_t *wanted, mlp_observe observe, void *context);
} mlp_quantize;

#ifdef __cplusplus
}
#endif
#endif /* MLP_PLUGIN_H */
