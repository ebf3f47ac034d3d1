// First: what smelt needs from a source, and `generation.c` defines. Then: the functions with which `generation.c` is written.

#pragma once

#include "smelt.h"

typedef struct {
  // The items are `str`.
  list objects;
} source_description;

extern const identity plugin;
extern const source_description description;

// The stretch of time for which objects are made: its seed and number, and where it starts and ends.
typedef struct {
  uint64_t seed, number;
  int64_t starts, ends;
} tick;

typedef struct objects objects;

// The arguments of the call are freed when it returns.
result source_generate(str params, tick of, objects *out);

// Reads the parameter of that name. Returns false if it is not an integer. If the parameter is missing, the value stays as it is.
// This is not a JSON parser: it knows only a flat object, as the host writes it.
bool integer_of(str params, const char *name, int64_t *value);

// Adds an object. The buffers are freed when the host has taken it.
void put_object(objects *out, buffer name, buffer body);
