// What smelt needs from a KPI, and a hash table. `aggregation.c` defines the description and the functions of the accumulator.

#pragma once

#include "smelt.h"

typedef struct {
  str name;
  list columns;
} kpi_input;

typedef struct {
  list key, sums;
  uint32_t group;
} stage;

typedef struct {
  identity identity;
  list inputs, stages, output;
  // The output columns, as `str`, that tell the rows of the table apart. Without a declared key, the KPI claims nothing.
  struct {
    bool declared;
    list columns;
  } key;
} kpi_description;

extern const kpi_description description;

typedef struct accumulator accumulator;

// `as_of` is NULL unless the identity uses it. The arguments of a call are freed when the call returns.
result accumulator_open(str params, const int64_t *as_of);
result accumulator_update(accumulator *self, str input, bytes batch);
result accumulator_state(const accumulator *self);
result accumulator_fold(const accumulator *self, uint32_t stage, bytes groups);
result accumulator_evaluate(const accumulator *self, bytes sums);
void accumulator_drop(accumulator *self);

// A hash table. Its keys are bytes, which you can use as a column: `{.values = keys}`, or `{.values = ends, .text = keys}` for
// text. All values have the size `value_size`. A table is empty if everything else in it is zero.
typedef struct {
  size_t value_size, count, room, slots;
  uint32_t *index;
  int32_t *ends;
  char *keys;
  void *values;
} table;

// Returns the value of a key, and adds the key with a value of zeros if it is new. A value moves when another key is added.
void *value_at(table *in, const void *key, size_t length);

void free_table(table *of);
