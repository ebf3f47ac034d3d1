// Takes the host's calls as the component model passes them.

#include "kpi.h"

#include <stdlib.h>
#include <string.h>

#define AGGREGATION "smelt:plugin/aggregation@0.3.0"
#define EXPORT(name) __attribute__((export_name(name)))

__attribute__((import_module("[export]" AGGREGATION), import_name("[resource-new]accumulator"))) void *handle_of(accumulator *);
__attribute__((import_module("[export]" AGGREGATION), import_name("[resource-new]reducer"))) void *reducer_handle_of(reducer *);

static result answer;

static const result *answered(result given, void *input) {
  free(input);
  answer = given;
  return &answer;
}

EXPORT(AGGREGATION "#identify") const identity *identify(void) { return &plugin; }

static struct {
  bool failed;
  union {
    fault fault;
    kpi_description is;
  };
} described;
// The parameters that `described` names.
static char *given_params;

static void *copy(list of, size_t size) {
  void *made = zeroed(of.count, size);
  memcpy(made, of.items, of.count * size);
  return made;
}

EXPORT(AGGREGATION "#describe") const void *describe(char *params, size_t length) {
  described.failed = false;
  described.is = description;
  given_params = params;
  kpi_input *inputs = copy(description.inputs, sizeof *inputs);
  stage *stages = copy(description.stages, sizeof *stages);
  described.is.inputs.items = inputs;
  described.is.stages.items = stages;
  for (size_t at = 0; at < description.inputs.count; at++) {
    if (!inputs[at].accumulator.params.at) inputs[at].accumulator.params = (str){params, length};
  }
  for (size_t at = 0; at < description.stages.count; at++) {
    if (!stages[at].reducer.params.at) stages[at].reducer.params = (str){params, length};
  }
  return &described;
}

EXPORT("cabi_post_" AGGREGATION "#describe") void description_taken(const void *given) {
  free((void *)described.is.inputs.items), free((void *)described.is.stages.items), free(given_params);
}

EXPORT(AGGREGATION "#[static]accumulator.open")
const result *open(uint32_t input, char *params, size_t length, int32_t given, int64_t as_of) {
  result made = accumulator_open(input, (str){params, length}, given ? &as_of : NULL);
  if (!made.failed) made.opened = handle_of(made.opened);
  return answered(made, params);
}

EXPORT(AGGREGATION "#[method]accumulator.update-batch")
const result *update(accumulator *self, uint8_t *batch, size_t length) {
  return answered(accumulator_update(self, (bytes){batch, length}), batch);
}

EXPORT(AGGREGATION "#[method]accumulator.state") const result *state(accumulator *self) {
  return answered(accumulator_state(self), NULL);
}

// The host calls this when it has taken the answer.
EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.state") void state_taken(const result *given) {
  if (!given->failed) free(given->stream.at);
}

EXPORT(AGGREGATION "#[dtor]accumulator") void drop(accumulator *self) { accumulator_drop(self); }

EXPORT(AGGREGATION "#[static]reducer.open")
const result *open_reducer(uint32_t stage, char *params, size_t length, int32_t given, int64_t as_of, int32_t is_saved,
                           uint8_t *saved, size_t saved_length) {
  bytes from = {saved, saved_length};
  result made = reducer_open(stage, (str){params, length}, given ? &as_of : NULL, is_saved ? &from : NULL);
  if (!made.failed) made.opened = reducer_handle_of(made.opened);
  if (is_saved) free(saved);
  return answered(made, params);
}

typedef struct {
  bool failed;
  union {
    fault fault;
    struct {
      bytes rows;
      bool enough;
    };
  };
} reduced;

EXPORT(AGGREGATION "#[method]reducer.reduce")
const reduced *reduce(reducer *self, uint8_t *rows, size_t length, uint32_t *ends, size_t count) {
  static reduced answer;
  bool enough = false;
  result made = reducer_reduce(self, (bytes){rows, length}, ends, count, &enough);
  free(rows), free(ends);
  answer.failed = made.failed;
  if (made.failed) {
    answer.fault = made.fault;
  } else {
    answer.rows = made.stream;
    answer.enough = enough;
  }
  return &answer;
}

EXPORT("cabi_post_" AGGREGATION "#[method]reducer.reduce") void reduced_taken(const reduced *given) {
  if (!given->failed) free(given->rows.at);
}

typedef struct {
  bool failed;
  struct {
    bool given;
    bytes saved;
  };
} saved;

EXPORT(AGGREGATION "#[method]reducer.save") const saved *save(reducer *self) {
  static saved answer;
  answer.saved = (bytes){0};
  answer.given = reducer_save(self, &answer.saved);
  return &answer;
}

EXPORT("cabi_post_" AGGREGATION "#[method]reducer.save") void saved_taken(const saved *given) { free(given->saved.at); }

EXPORT(AGGREGATION "#[dtor]reducer") void drop_reducer(reducer *self) { reducer_drop(self); }

static uint32_t *slot_of(const table *in, const char *key, size_t length) {
  uint32_t hash = 2166136261;
  for (size_t at = 0; at < length; at++) hash = (hash ^ (uint8_t)key[at]) * 16777619;
  for (;; hash++) {
    uint32_t *slot = &in->index[hash & (in->slots - 1)];
    if (*slot == 0) return slot;
    int32_t start = in->ends[*slot - 1];
    if ((size_t)(in->ends[*slot] - start) == length && !memcmp(in->keys + start, key, length)) return slot;
  }
}

void *value_at(table *in, const void *key, size_t length) {
  if (2 * (in->count + 1) > in->slots) {
    in->slots = in->slots ? 2 * in->slots : 16;
    free(in->index);
    in->index = zeroed(in->slots, sizeof *in->index);
    in->ends = longer(in->ends, (in->slots + 1) * sizeof *in->ends);
    in->values = longer(in->values, in->slots * in->value_size);
    in->ends[0] = 0;
    for (size_t at = 0; at < in->count; at++) {
      *slot_of(in, in->keys + in->ends[at], in->ends[at + 1] - in->ends[at]) = at + 1;
    }
  }
  uint32_t *slot = slot_of(in, key, length);
  if (*slot == 0) {
    size_t start = in->ends[in->count];
    if (start + length >= in->room) {
      in->room = 2 * (start + length) + 16;
      in->keys = longer(in->keys, in->room);
    }
    memcpy(in->keys + start, key, length);
    memset((char *)in->values + in->count * in->value_size, 0, in->value_size);
    *slot = ++in->count;
    in->ends[in->count] = start + length;
  }
  return (char *)in->values + (*slot - 1) * in->value_size;
}

void free_table(table *of) { free(of->index), free(of->ends), free(of->keys), free(of->values); }
