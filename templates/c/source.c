// Takes the host's calls as the component model passes them.

#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GENERATION "smelt:plugin/generation@0.3.0"
#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
  str name;
  bytes body;
} object;

struct objects {
  buffer all;
};

void put_object(objects *out, buffer name, buffer body) {
  object made = {{(const char *)name.at, name.length}, {body.at, body.length}};
  put_bytes(&out->all, &made, sizeof made);
}

bool integer_of(str params, const char *name, int64_t *value) {
  size_t length = strlen(name);
  for (const char *at = params.at; at + length + 3 < params.at + params.length; at++) {
    if (*at != '"' || memcmp(at + 1, name, length) || memcmp(at + 1 + length, "\":", 2)) continue;
    char *end;
    errno = 0;
    // The object's closing brace comes before the end of the text, so the number ends there at the latest.
    *value = strtoll(at + length + 3, &end, 10);
    return !errno && (*end == ',' || *end == '}');
  }
  return true;
}

EXPORT(GENERATION "#identify") const identity *identify(void) { return &plugin; }

EXPORT(GENERATION "#describe") const void *describe(char *params, size_t length) {
  static struct {
    bool failed;
    union {
      fault fault;
      source_description is;
    };
  } described;
  described.is = description;
  free(params);
  return &described;
}

typedef struct {
  bool failed;
  union {
    fault fault;
    list objects;
  };
} answer;

EXPORT(GENERATION "#generate")
const answer *generate(char *params, size_t length, uint64_t seed, uint64_t number, int64_t starts, int64_t ends) {
  static answer answer;
  objects out = {0};
  result made = source_generate((str){params, length}, (tick){seed, number, starts, ends}, &out);
  free(params);
  answer.failed = made.failed;
  if (made.failed) {
    answer.fault = made.fault;
  } else {
    answer.objects = (list){out.all.at, out.all.length / sizeof(object)};
  }
  return &answer;
}

// The host calls this when it has taken the answer.
EXPORT("cabi_post_" GENERATION "#generate") void taken(const answer *given) {
  if (given->failed) return;
  object *objects = (object *)given->objects.items;
  for (size_t at = 0; at < given->objects.count; at++) free((void *)objects[at].name.at), free(objects[at].body.at);
  free(objects);
}
