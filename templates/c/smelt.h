// Exchanges values with smelt. The structs lie in memory as the component model has them, so nothing is converted. Columns are
// read where they lie in Arrow's IPC.

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

enum { BOOLEAN_TAG, INT64_TAG, FLOAT64_TAG, TEXT_TAG, DATE_TAG, TIMESTAMP_TAG, DECIMAL_TAG };

#define BOOLEAN {BOOLEAN_TAG}
#define INT64 {INT64_TAG}
#define FLOAT64 {FLOAT64_TAG}
#define TEXT {TEXT_TAG}
#define DATE {DATE_TAG}
#define TIMESTAMP {TIMESTAMP_TAG}
#define DECIMAL(precision, scale) {DECIMAL_TAG, precision, scale}
#define MONEY DECIMAL(38, 2)
#define NULLABLE true

typedef struct {
  str name, version, summary, parameters;
} identity;

// What a part of the plugin depends on. If its parameters are left out, it depends on all of them.
typedef struct {
  str params;
  bool uses_as_of;
} setting;

enum fault_kind { INVALID_PARAMETERS, INVALID_INPUT, INTERNAL };

typedef struct {
  uint8_t kind;
  str message;
} fault;

// The result of a call: a fault, or what the call gives.
typedef struct {
  bool failed;
  union {
    fault fault;
    bytes stream;
    void *opened;
  };
} result;

static inline result done(void) { return (result){0}; }
static inline result opened(void *resource) { return (result){.opened = resource}; }
static inline result gives(bytes stream) { return (result){.stream = stream}; }
// A result that is a fault: `return FAULT(INVALID_INPUT, "…");`
#define FAULT(of, why) ((result){true, {{(of), STR(why)}}})

// Ends the call like a bug. The host reports `why`.
_Noreturn void fail(const char *why);

// These allocate like `calloc` and `realloc` of the standard library, but never return NULL.
void *zeroed(size_t count, size_t size);
void *longer(void *old, size_t size);

// Bytes that grow. A buffer of zeros is empty.
typedef struct {
  uint8_t *at;
  size_t length, room;
} buffer;

// Adds `size` zeros and returns where they are. The address holds until the buffer grows again.
uint8_t *more(buffer *out, size_t size);

void put_bytes(buffer *out, const void *from, size_t size);

// Writes a constant text: `PUT(&out, "…");`
#define PUT(out, text) put_bytes(out, text, sizeof(text) - 1)

// Writes a number in decimal, with leading zeros up to `least` digits.
void put_digits(buffer *out, uint64_t number, size_t least);

typedef struct {
  size_t missing;        // how many rows lack a value
  const uint8_t *valid;  // a bit for each row, set if the row has a value; unused if no row lacks a value
  const void *values;    // see below
  const char *text;      // for a text column: the text of all rows
} column;

// `values`, in the order of the tags above: a bit for each row of a boolean; int64_t; double; for text an int32_t for each row, which
// says where in `text` the row begins, and one for the end of the last row; int32_t of days since 1970-01-01; int64_t of
// microseconds; int128 of smallest units.

static inline bool bit_of(const void *bits, size_t row) { return ((const uint8_t *)bits)[row / 8] >> row % 8 & 1; }

static inline bool has(const column *of, size_t row) { return of->missing == 0 || bit_of(of->valid, row); }

static inline str text_of(const column *of, size_t row) {
  const int32_t *ends = of->values;
  return (str){of->text + ends[row], (size_t)(ends[row + 1] - ends[row])};
}

// Reads the columns of a stream with these fields. Returns the number of rows. The columns lie in the stream, so they are gone
// after the call.
size_t read_columns(bytes stream, const field *fields, size_t count, column *columns);

// Returns a stream of columns with these fields.
bytes write_columns(const field *fields, size_t count, size_t rows, const column *columns);
