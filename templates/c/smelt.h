// What crosses between smelt and a plugin. The structs lie in memory as the component model has them, so nothing is converted;
// columns are read where they lie in Arrow's IPC.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 int128;

typedef struct {
  const char *at;
  size_t length;
} str;

typedef struct {
  uint8_t *at;
  size_t length;
} bytes;

typedef struct {
  const void *items;
  size_t count;
} list;

#define STR(text) {(text), sizeof(text) - 1}
#define LIST(array) {(array), sizeof(array) / sizeof *(array)}

// A column's name and type: `{STR("amount"), MONEY, NULLABLE}`.
typedef struct {
  str name;
  struct {
    uint8_t tag, precision, scale;
  } type;
  bool nullable;
} field;

#define BOOLEAN {0}
#define INT64 {1}
#define FLOAT64 {2}
#define TEXT {3}
#define DATE {4}
#define TIMESTAMP {5}
#define DECIMAL(precision, scale) {6, precision, scale}
#define MONEY DECIMAL(38, 2)
#define NULLABLE true

typedef struct {
  str name, version, summary, parameters;
  bool uses_as_of;
} identity;

enum fault_kind { INVALID_PARAMETERS, INVALID_INPUT, INTERNAL };

// What a call comes to: a fault or what it gives.
typedef struct {
  bool failed;
  union {
    struct {
      uint8_t kind;
      str message;
    } fault;
    bytes stream;
    void *opened;
  };
} result;

static inline result done(void) { return (result){0}; }
static inline result opened(void *resource) { return (result){.opened = resource}; }
static inline result gives(bytes stream) { return (result){.stream = stream}; }
// `return FAULT(INVALID_INPUT, "…");`
#define FAULT(of, why) ((result){true, {{(of), STR(why)}}})

// Ends the call like a bug: the host says why.
_Noreturn void fail(const char *why);

// As of the standard library, but never NULL: all zero, or as it was and longer.
void *zeroed(size_t count, size_t size);
void *longer(void *old, size_t size);

typedef struct {
  size_t missing;        // how many rows lack a value
  const uint8_t *valid;  // a bit for each row, set where it has a value; not looked at where none is missing
  const void *values;    // as below
  const char *text;      // for text: that of all rows
} column;

// What the values are, by type: a bit for each row of a boolean; int64_t; double; for text int32_t, where in `text` each row
// begins, and the end after the last; int32_t of days since 1970-01-01; int64_t of microseconds; int128 of smallest units.

static inline bool bit_of(const void *bits, size_t row) { return ((const uint8_t *)bits)[row / 8] >> row % 8 & 1; }

static inline bool has(const column *of, size_t row) { return of->missing == 0 || bit_of(of->valid, row); }

static inline str text_of(const column *of, size_t row) {
  const int32_t *ends = of->values;
  return (str){of->text + ends[row], (size_t)(ends[row + 1] - ends[row])};
}

// The number of rows of a stream with these fields, and its columns, which lie in it: after the call they are gone.
size_t read_columns(bytes stream, const field *fields, size_t count, column *columns);

// A stream of columns with these fields.
bytes write_columns(const field *fields, size_t count, size_t rows, const column *columns);

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
