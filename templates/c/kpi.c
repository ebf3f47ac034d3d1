// The calls of the host, as the component model passes them.

#include "kpi.h"

#include <stdlib.h>

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

// When the host has taken the answer.
static void taken(const result *given) {
  if (!given->failed) free(given->stream.at);
}

EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.state") void state_taken(const result *given) { taken(given); }
EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.fold") void fold_taken(const result *given) { taken(given); }
EXPORT("cabi_post_" AGGREGATION "#[method]accumulator.evaluate") void evaluate_taken(const result *given) { taken(given); }

EXPORT(AGGREGATION "#[dtor]accumulator") void drop(accumulator *self) { accumulator_drop(self); }
