// Takes the host's calls as the component model passes them.

#include "kpi.h"

#include <stdlib.h>
#include <string.h>

#define AGGREGATION "smelt:plugin/aggregation@0.2.0"
#define EXPORT(name) __attribute__((export_name(name)))

__attribute__((import_module("[export]" AGGREGATION), import_name("[resource-new]accumulator"))) void *handle_of(accumulator *);

static result answer;

static const result *answered(result given, void *input) {
  free(input);
  answer = given;
  return &answer;
}

EXPORT(AGGREGATION "#describe") const kpi_description *describe(void) { return &description; }

EXPORT(AGGREGATION "#[static]accumulator.open")
const result *open(char *params, size_t length, int32_t given, int64_t as_of) {
  result made = accumulator_open((str){params, length}, given ? &as_of : NULL);
  if (!made.failed) made.opened = handle_of(made.opened);
  return answered(made, params);
}

EXPORT(AGGREGATION "#[method]accumulator.update-batch")
const result *update(accumulator *self, char *input, size_t input_length, uint8_t *batch, size_t length) {
  result made = accumulator_update(self, (str){input, input_length}, (bytes){batch, length});
  free(input);
  return answered(made, batch);
}

EXPORT(AGGREGATION "#[method]accumulator.state") const result *state(accumulator *self) {
  return answered(accumulator_state(self), NULL);
}

EXPORT(AGGREGATION "#[method]accumulator.fold")
const result *fold(accumulator *self, uint32_t stage, uint8_t *groups, size_t length) {
  return answered(accumulator_fold(self, stage, (bytes){groups, length}), groups);
}

EXPORT(AGGREGATION "#[method]accumulator.evaluate")
const result *evaluate(accumulator *self, uint8_t *sums, size_t length) {
  return answered(accumulator_evaluate(self, (bytes){sums, length}), sums);
}

// The host calls these when it has taken the answer.
static void taken(const result *given) {
  if (!given->failed) free(given->stream.at);
}

EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.state") void state_taken(const result *given) { taken(given); }
EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.fold") void fold_taken(const result *given) { taken(given); }
EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.evaluate") void evaluate_taken(const result *given) { taken(given); }

EXPORT(AGGREGATION "#[dtor]accumulator") void drop(accumulator *self) { accumulator_drop(self); }

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
