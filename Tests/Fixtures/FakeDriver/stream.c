/* Streams, events and graphs. One thread does the work of all streams, an operation of one after an operation of
 * another, so that nothing is in order by accident. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CAPACITY = 1024 };

struct stream {
  stream *next;
  int device, is_capturing;
  graph *captured;
  uint64_t submitted, finished; /* operations */
  operation ring[CAPACITY];
};

struct graph {
  operation *operations;
  size_t count;
};

struct event {
  uint64_t recorded, reached; /* marks */
  struct timespec time;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, progress = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static stream *streams;
static int waiting; /* calls that wait for something */
static fake_driver_tap_function tap;
static void *tap_context;

EXPORT void fake_driver_tap(fake_driver_tap_function function, void *context) {
  streams_wait();
  pthread_mutex_lock(&lock);
  tap = function, tap_context = context;
  pthread_mutex_unlock(&lock);
}

/* ---- Doing an operation ------------------------------------------------------------------------------------------ */

static void launch(const operation *o, int device) {
  if (machine_fault("execute")) return;
  void *arguments[FAKE_DRIVER_ARGUMENTS];
  const fake_function *f = o->function;
  for (int i = 0; f->signature[i]; i++) {
    arguments[i] = (void *)&o->values[i];
    const void *address = (const void *)(uintptr_t)o->values[i];
    if (f->signature[i] != 'p' || !address || memory_is_known(address, device)) continue;
    return machine_break(ILLEGAL_ADDRESS, "%s: argument %d, %p, is no memory of device %d", f->name, i, address, device);
  }
  const char *problem = f->run(f, o->blocks, o->threads, arguments);
  if (problem) return machine_break(ILLEGAL_ADDRESS, "%s: %s", f->name, problem);
  if (tap) tap(tap_context, f->name, arguments);
}

static void perform_one(const operation *o, int device) {
  switch (o->kind) {
  case COPY: memmove(o->to, o->from, o->size); break;
  case FILL: memset(o->to, o->value, o->size); break;
  case LAUNCH: launch(o, device); break;
  case WORK: o->work(o->values); break;
  default: break;
  }
}

static void perform(const operation *o, int device) {
  if (o->kind == RECORD) {
    pthread_mutex_lock(&lock);
    clock_gettime(CLOCK_MONOTONIC, &o->event->time);
    if (o->mark > o->event->reached) o->event->reached = o->mark;
    pthread_mutex_unlock(&lock);
    return;
  }
  if (o->kind == WAIT) return;
  if (o->kind == CALL) {
    o->call(o->to, machine_fault("synchronize"), o->context);
    return;
  }
  memory_open();
  if (o->kind == GRAPH) {
    for (size_t i = 0; i < o->graph->count; i++) perform_one(&o->graph->operations[i], device);
  } else {
    perform_one(o, device);
  }
  memory_close();
}

static const operation *ready(const stream *s) {
  if (s->finished == s->submitted) return NULL;
  const operation *o = &s->ring[s->finished % CAPACITY];
  return o->kind == WAIT && o->event->reached < o->mark ? NULL : o;
}

static void *run(void *nothing) {
  pthread_mutex_lock(&lock);
  for (;;) {
    int did = 0;
    if (!machine_is_late || waiting) {
      for (stream *s = streams; s; s = s->next) {
        const operation *o = ready(s);
        if (!o) continue;
        did = 1;
        pthread_mutex_unlock(&lock);
        perform(o, s->device);
        pthread_mutex_lock(&lock);
        if (o->kind == CALL) waiting--;
        s->finished++;
        pthread_cond_broadcast(&progress);
        break; /* the list may have changed */
      }
      /* The stream that was served goes to the end. */
      if (did && streams->next) {
        stream *first = streams, *last = first;
        while (last->next) last = last->next;
        streams = first->next, first->next = NULL, last->next = first;
      }
    }
    if (!did) pthread_cond_wait(&work, &lock);
  }
  return nothing;
}

static void start(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) == 0) pthread_detach(thread);
}

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

stream *stream_make(void) {
  pthread_once(&once, start);
  stream *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->device = current_device;
  pthread_mutex_lock(&lock);
  s->next = streams;
  streams = s;
  pthread_mutex_unlock(&lock);
  return s;
}

/* With the lock held: waits until `counter` has reached `value`. */
static void wait_for(const uint64_t *counter, uint64_t value) {
  waiting++;
  pthread_cond_broadcast(&work);
  while (*counter < value) pthread_cond_wait(&progress, &lock);
  waiting--;
}

void stream_end(stream *s) {
  pthread_mutex_lock(&lock);
  wait_for(&s->finished, s->submitted);
  stream **at = &streams;
  while (*at && *at != s) at = &(*at)->next;
  if (*at) *at = s->next;
  pthread_mutex_unlock(&lock);
  free(s);
}

int stream_is_capturing(const stream *s) { return s->is_capturing; }

int stream_submit(stream *s, operation *o) {
  if (s->is_capturing) {
    if (o->kind > WORK) return CAPTURE_INVALID;
    graph *g = s->captured;
    operation *grown = realloc(g->operations, (g->count + 1) * sizeof *o);
    if (!grown) return OUT_OF_MEMORY;
    g->operations = grown;
    g->operations[g->count++] = *o;
    return OK;
  }
  pthread_mutex_lock(&lock);
  while (s->submitted - s->finished == CAPACITY) wait_for(&s->finished, s->finished + 1);
  s->ring[s->submitted++ % CAPACITY] = *o;
  if (o->kind == CALL) waiting++; /* nobody else will wait for it */
  pthread_cond_broadcast(&work);
  pthread_mutex_unlock(&lock);
  return OK;
}

void stream_wait(stream *s) {
  pthread_mutex_lock(&lock);
  wait_for(&s->finished, s->submitted);
  pthread_mutex_unlock(&lock);
}

void streams_wait(void) {
  pthread_mutex_lock(&lock);
  for (stream *s = streams; s;) {
    if (s->finished == s->submitted) {
      s = s->next;
      continue;
    }
    wait_for(&s->finished, s->submitted);
    s = streams; /* the list may have changed */
  }
  pthread_mutex_unlock(&lock);
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

int stream_begin_capture(stream *s) {
  if (s->is_capturing) return INVALID_VALUE;
  s->captured = calloc(1, sizeof(graph));
  s->is_capturing = s->captured != NULL;
  return s->is_capturing ? OK : OUT_OF_MEMORY;
}

graph *stream_end_capture(stream *s) {
  graph *captured = s->captured;
  s->is_capturing = 0, s->captured = NULL;
  return captured;
}

/* The executable takes the operations over. */
graph *graph_make_executable(graph *from) {
  graph *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  *made = *from;
  from->operations = NULL, from->count = 0;
  return made;
}

void graph_end(graph *g) {
  streams_wait();
  free(g->operations);
  free(g);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

event *event_make(void) { return calloc(1, sizeof(event)); }

void event_end(event *e) {
  streams_wait();
  free(e);
}

int event_record(event *e, stream *s) {
  pthread_mutex_lock(&lock);
  uint64_t mark = ++e->recorded;
  pthread_mutex_unlock(&lock);
  return stream_submit(s, &(operation){.kind = RECORD, .event = e, .mark = mark});
}

int event_follow(event *e, stream *s) {
  pthread_mutex_lock(&lock);
  uint64_t mark = e->recorded;
  pthread_mutex_unlock(&lock);
  return stream_submit(s, &(operation){.kind = WAIT, .event = e, .mark = mark});
}

void event_wait(event *e) {
  pthread_mutex_lock(&lock);
  wait_for(&e->reached, e->recorded);
  pthread_mutex_unlock(&lock);
}

float event_elapsed(const event *from, const event *to) {
  if (!machine_compute->measures_time) return 1;
  return (float)((double)(to->time.tv_sec - from->time.tv_sec) * 1e3 +
                 (double)(to->time.tv_nsec - from->time.tv_nsec) * 1e-6);
}
