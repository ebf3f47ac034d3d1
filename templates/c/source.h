// What a source is to smelt: `generation.c` defines what is declared first here. Then, what it is written with.

#pragma once

#include "smelt.h"

typedef struct {
  identity identity;
  // Of `str`.
  list objects;
} source_description;

extern const source_description description;

typedef struct objects objects;

// Nothing of what the call is given is there when it has returned.
result source_generate(str params, uint64_t seed, uint64_t tick, int64_t as_of, objects *out);

// Whether the parameter of that name is an integer, or not given, and then the value stays as it is. This is no JSON parser: it
// knows a flat object, as the host writes it.
bool integer_of(str params, const char *name, int64_t *value);

// An object; the buffers are freed when the host has it.
void put_object(objects *out, buffer name, buffer body);
