// What a KPI is to smelt: `aggregation.c` defines all that is declared here.

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
  // Columns of the output, as `str`, that tell the rows of the table apart. A key that is not declared claims nothing.
  struct {
    bool declared;
    list columns;
  } key;
} kpi_description;

extern const kpi_description description;

typedef struct accumulator accumulator;

// `as_of` is NULL unless the identity uses it. Nothing of what calls are given is there when they have returned.
result accumulator_open(str params, const int64_t *as_of);
result accumulator_update(accumulator *self, str input, bytes batch);
result accumulator_state(const accumulator *self);
result accumulator_fold(const accumulator *self, uint32_t stage, bytes groups);
result accumulator_evaluate(const accumulator *self, bytes sums);
void accumulator_drop(accumulator *self);

// A hash table. Its keys are bytes, which may be used as a column: `{.values = keys}`, or `{.values = ends, .text = keys}` for
// text. Its values have one size; all zero but for that, it is empty.
typedef struct {
  size_t value_size, count, room, slots;
  uint32_t *index;
  int32_t *ends;
  char *keys;
  void *values;
} table;

// The value of a key, all zero if it was not there. It moves when another key comes.
void *value_at(table *in, const void *key, size_t length);

void free_table(table *of);
