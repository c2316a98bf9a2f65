/* mlp_drafts.h - services and extensions whose form is agreed and which this host does not offer or ask for yet.
 *
 * A draft keeps its identifier when it becomes part of mlp_plugin.h.  Until then its layout may change in any
 * release, and service()/extension() answer NULL for it. */
#ifndef MLP_DRAFTS_H
#define MLP_DRAFTS_H

#include "mlp_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Collectives among all ranks of the instance's group, as operations on a stream.  A group may span processes: take
 * rank and world from here and never assume a shared address space. */
#define MLP_COLLECTIVES "mlp.collectives/1"
typedef struct mlp_collectives {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*rank)(const mlp_host *host, uint32_t device); /* of a device of this process;  [any] */
  uint32_t (*world)(const mlp_host *host); /* [any] */
  /* Sums in the order of ranks: the same bits in every run.  [any] */
  mlp_status (*all_reduce)(const mlp_host *host, mlp_stream *stream, void *data, uint64_t count, int32_t dtype);
  mlp_status (*all_gather)(const mlp_host *host, mlp_stream *stream, const void *from, void *to, uint64_t size);
  mlp_status (*all_to_all)(const mlp_host *host, mlp_stream *stream, const void *from, void *to, uint64_t size);
} mlp_collectives;

/* Outputs that are no log entries, such as videos.  The host places, hashes and lists them. */
#define MLP_ARTIFACT "mlp.artifact/1"
typedef struct mlp_artifact_file mlp_artifact_file;
typedef struct mlp_artifact {
  uint32_t struct_size;
  uint32_t reserved;
  mlp_status (*open)(const mlp_host *host, const char *name, mlp_sample_id sample, mlp_artifact_file **out); /* [any] */
  mlp_status (*write)(const mlp_host *host, mlp_artifact_file *file, mlp_bytes data); /* [any] */
  mlp_status (*close)(const mlp_host *host, mlp_artifact_file *file); /* [any] */
} mlp_artifact;

/* Training.  The host owns the loop, the clock, the :::MLLOG lines and the stopping rule. */
#define MLP_TRAINING "mlp.training/1"
typedef struct mlp_stream_io {
  void *context;
  int64_t (*read)(void *context, void *data, uint64_t size); /* 0 at the end, < 0 on error */
  int64_t (*write)(void *context, const void *data, uint64_t size);
} mlp_stream_io;
typedef struct mlp_training {
  uint32_t struct_size;
  uint32_t reserved;
  const char *hyperparameters; /* JSON, for the log */
  mlp_status (*begin)(const mlp_plugin *self, uint64_t seed); /* rank and world: mlp.collectives;  [control & running] */
  mlp_status (*step)(const mlp_plugin *self, uint64_t step, double *loss, uint64_t *samples); /* [control & running] */
  mlp_status (*evaluate)(const mlp_plugin *self, double *quality, uint64_t *samples); /* [control & running] */
  mlp_status (*save)(const mlp_plugin *self, const mlp_stream_io *to); /* this rank's shard;  [control & running] */
  mlp_status (*restore)(const mlp_plugin *self, const mlp_stream_io *from); /* [control & running] */
} mlp_training;

#ifdef __cplusplus
}
#endif
#endif /* MLP_DRAFTS_H */
