// What smelt needs from a KPI, and a hash table. `aggregation.c` defines who the plugin is, the description, and the functions of the
// accumulator and of the reducer.

#pragma once

#include "smelt.h"

typedef struct {
  str name;
  list columns;
  // The index of the stage that its rows are added to.
  uint32_t stage;
  setting accumulator;
} kpi_input;

typedef struct {
  list key, sums;
  uint32_t group;
  setting reducer;
} stage;

typedef struct {
  list inputs, stages, output;
  // The output columns, as `str`, that tell the rows of the table apart. Without a declared key, the KPI claims nothing.
  struct {
    bool declared;
    list columns;
  } key;
} kpi_description;

extern const identity plugin;
extern const kpi_description description;

// In what follows, `as_of` is NULL unless the setting uses it. The arguments of a call are freed when the call returns.

typedef struct accumulator accumulator;

result accumulator_open(uint32_t input, str params, const int64_t *as_of);
result accumulator_update(accumulator *self, bytes batch);
// Gives what came since the last state, and forgets it.
result accumulator_state(accumulator *self);
void accumulator_drop(accumulator *self);

typedef struct reducer reducer;

// `saved` is NULL, or what another reducer saved in the middle of a group: this one goes on there.
result reducer_open(uint32_t stage, str params, const int64_t *as_of, const bytes *saved);
// `ends` has for each group that ends in these rows the number of rows up to its end. Set `enough` if the group that goes on needs no
// more rows.
result reducer_reduce(reducer *self, bytes rows, const uint32_t *ends, size_t count, bool *enough);
// Gives all that is remembered of the group that goes on. Returns false if the reducer does not offer that.
bool reducer_save(reducer *self, bytes *saved);
void reducer_drop(reducer *self);

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
