/* driver.h - the parts of the fake driver among themselves. Functions that can fail return a number of CUDA's. */
#ifndef FAKE_DRIVER_PARTS_H
#define FAKE_DRIVER_PARTS_H

#include "fake_driver.h"

#include <pthread.h>

#define EXPORT __attribute__((visibility("default")))

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
       NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, CAPTURE_INVALID = 901 };
enum { MAX_DEVICES = 8 };

/* machine.c: what the machine is. */
extern const fake_compute *machine_compute;
extern int machine_devices, machine_protects, machine_is_late;
extern size_t machine_memory;
extern _Thread_local int current_device;
const char *machine_architecture(void);
void machine_start(void);
/* The error that FAKE_GPU asks for at this call, or that the device had before. */
int machine_fault(const char *call);
/* A fault of the device's: every later call gives it. */
void machine_break(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* memory.c */
int memory_take(void **out, size_t size);
int memory_give(void *memory);
int memory_take_pinned(void **out, size_t size);
int memory_give_pinned(void *memory);
size_t memory_free(void);
/* Whether kernels of a device may use an address. */
int memory_is_known(const void *address, int device);
/* Around what a stream does: lets device memory be touched. */
void memory_open(void);
void memory_close(void);

/* stream.c */
typedef struct event event;
typedef struct stream stream;
typedef struct graph graph;

typedef struct operation {
  enum { COPY, FILL, LAUNCH, WORK, GRAPH, RECORD, WAIT, CALL } kind;
  void *to;
  const void *from;
  size_t size;
  int value;
  const fake_function *function;
  unsigned blocks[3], threads[3];
  uint64_t values[FAKE_DRIVER_ARGUMENTS];
  void (*work)(const uint64_t *values); /* of a library's */
  graph *graph;
  event *event;
  uint64_t mark;
  void (*call)(void *, int, void *);
  void *context;
} operation;

stream *stream_make(void);
void stream_end(stream *s);
int stream_is_capturing(const stream *s);
/* Queues an operation, or keeps it while the stream captures. */
int stream_submit(stream *s, operation *o);
void stream_wait(stream *s);
void streams_wait(void);
int stream_begin_capture(stream *s);
graph *stream_end_capture(stream *s);
graph *graph_make_executable(graph *from);
void graph_end(graph *g);
event *event_make(void);
void event_end(event *e);
int event_record(event *e, stream *s);
int event_follow(event *e, stream *s);
void event_wait(event *e);
float event_elapsed(const event *from, const event *to);

#endif
