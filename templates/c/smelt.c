#include "smelt.h"

#include <stdlib.h>
#include <string.h>

__attribute__((import_module("smelt:plugin/log@0.3.0"), import_name("write"))) void log_write(
    int32_t level, const char *message, size_t length);

void fail(const char *why) {
  log_write(4, why, strlen(why));
  __builtin_trap();
}

void *longer(void *old, size_t size) {
  void *at = realloc(old, size ? size : 1);
  if (!at) fail("out of memory");
  return at;
}

void *zeroed(size_t count, size_t size) {
  void *at = calloc(count ? count : 1, size);
  if (!at) fail("out of memory");
  return at;
}

// The host allocates memory with this function for what it sends.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  return longer(old, size);
}

// Reading. A table of Flatbuffers has a list of offsets: at most one for each of its fields, by the field's number.

static uint64_t number(const uint8_t *at, size_t size) {
  uint64_t value = 0;
  memcpy(&value, at, size);
  return value;
}

static const uint8_t *slot(const uint8_t *table, size_t number_of) {
  const uint8_t *offsets = table - (int32_t)number(table, 4);
  size_t at = 4 + 2 * number_of, offset = at < number(offsets, 2) ? number(offsets + at, 2) : 0;
  return offset ? table + offset : NULL;
}

static const uint8_t *follow(const uint8_t *at) { return at + number(at, 4); }

// Finds the header and the body of the message that begins at `at`. Returns where the message ends.
static const uint8_t *message(const uint8_t *at, const uint8_t **header, const uint8_t **body) {
  const uint8_t *start = at + 8, *table = follow(start), *length = slot(table, 3);
  *header = follow(slot(table, 2));
  *body = start + number(at + 4, 4);
  return *body + (length ? number(length, 8) : 0);
}

size_t read_columns(bytes stream, const field *fields, size_t count, column *columns) {
  const uint8_t *header, *body, *batch = message(stream.at, &header, &body);
  message(batch, &header, &body);
  const uint8_t *nodes = follow(slot(header, 1)) + 4, *buffers = follow(slot(header, 2)) + 4, *rows = slot(header, 0);
  for (size_t at = 0; at < count; at++) {
    columns[at].missing = number(nodes + 16 * at + 8, 8);
    columns[at].valid = body + number(buffers, 8);
    columns[at].values = body + number(buffers + 16, 8);
    buffers += 32;
    columns[at].text = NULL;
    if (fields[at].type.tag == TEXT_TAG) {
      columns[at].text = (const char *)body + number(buffers, 8);
      buffers += 16;
    }
  }
  return rows ? number(rows, 8) : 0;
}

// Writing. What a table refers to follows the table, because every reference points to a later position.

uint8_t *more(buffer *out, size_t size) {
  if (out->length + size > out->room) {
    out->room = 2 * (out->length + size);
    out->at = longer(out->at, out->room);
  }
  out->length += size;
  return size ? memset(out->at + out->length - size, 0, size) : out->at;
}

static void put(buffer *out, uint64_t value, size_t size) { memcpy(more(out, size), &value, size); }

void put_bytes(buffer *out, const void *from, size_t size) {
  if (size) memcpy(more(out, size), from, size);
}

void put_digits(buffer *out, uint64_t number, size_t least) {
  char digits[20];
  size_t count = 0;
  for (; number || count < least; number /= 10) digits[sizeof digits - ++count] = '0' + number % 10;
  put_bytes(out, digits + sizeof digits - count, count);
}

// Adds zeros, so that what begins `ahead` bytes later is aligned. Messages begin at multiples of eight.
static void pad(buffer *out, size_t ahead) { more(out, -(out->length + ahead) & 7); }

// Makes the reference at `at` point to what comes next.
static void refer(buffer *out, size_t at) {
  uint32_t offset = out->length - at;
  memcpy(out->at + at, &offset, 4);
}

// A field of a table. The field is missing if its size is zero. A reference has four bytes.
typedef struct {
  size_t size;
  uint64_t value;
} entry;

#define REFERENCE {4, 0}

// Writes a table, and makes the reference at `from` point to it. Returns where its fields are; each has eight bytes.
static size_t put_table(buffer *out, size_t from, const entry *entries, size_t count) {
  size_t size = 4 + 2 * count;
  pad(out, size + 4);
  put(out, size, 2);
  put(out, 4 + 8 * count, 2);
  for (size_t at = 0; at < count; at++) put(out, entries[at].size ? 4 + 8 * at : 0, 2);
  refer(out, from);
  put(out, size, 4);
  for (size_t at = 0; at < count; at++) put(out, entries[at].value, 8);
  return out->length - 8 * count;
}

#define TABLE(out, from, ...) \
  put_table(out, from, (entry[]){__VA_ARGS__}, sizeof((entry[]){__VA_ARGS__}) / sizeof(entry))

static void put_text(buffer *out, size_t from, str text) {
  pad(out, 0);
  refer(out, from);
  put(out, text.length, 4);
  put_bytes(out, text.at, text.length);
  put(out, 0, 1);
}

// Begins a message. Returns the place of the reference to its header. Eight bytes later is the place for the length of its body.
static size_t begin(buffer *out, uint8_t kind) {
  put(out, 0xffffffff, 8);
  put(out, 0, 4);
  return TABLE(out, out->length - 4, {2, 4}, {1, kind}, REFERENCE, {8, 0}) + 16;
}

static void end(buffer *out, size_t from) {
  pad(out, 0);
  uint32_t length = out->length - from - 8;
  memcpy(out->at + from + 4, &length, 4);
}

static void put_type(buffer *out, size_t from, const field *of) {
  switch (of->type.tag) {
    case INT64_TAG: TABLE(out, from, {4, 64}, {1, 1}); break;
    case FLOAT64_TAG: TABLE(out, from, {2, 2}); break;
    case DATE_TAG: TABLE(out, from, {2, 0}); break;
    case TIMESTAMP_TAG: put_text(out, TABLE(out, from, {2, 2}, REFERENCE) + 8, (str)STR("UTC")); break;
    case DECIMAL_TAG: TABLE(out, from, {4, of->type.precision}, {4, of->type.scale}, {4, 128}); break;
    default: put_table(out, from, NULL, 0);
  }
}

static void put_schema(buffer *out, const field *fields, size_t count) {
  static const uint8_t numbers[] = {6, 2, 3, 5, 8, 10, 7};
  size_t message = out->length, header = TABLE(out, begin(out, 1), {0, 0}, REFERENCE) + 8;
  pad(out, 0);
  refer(out, header);
  put(out, count, 4);
  size_t references = out->length;
  more(out, 4 * count);
  for (size_t at = 0; at < count; at++) {
    const field *of = &fields[at];
    size_t field_at = TABLE(out, references + 4 * at, REFERENCE, {1, of->nullable}, {1, numbers[of->type.tag]}, REFERENCE,
                            {0, 0}, REFERENCE);
    put_text(out, field_at, of->name);
    put_type(out, field_at + 24, of);
    pad(out, 0);
    refer(out, field_at + 40);
    put(out, 0, 4);
  }
  end(out, message);
}

static size_t size_of(const field *of, size_t rows) {
  switch (of->type.tag) {
    case BOOLEAN_TAG: return (rows + 7) / 8;
    case TEXT_TAG: return 4 * (rows + 1);
    case DATE_TAG: return 4 * rows;
    case DECIMAL_TAG: return 16 * rows;
    default: return 8 * rows;
  }
}

static void put_pairs(buffer *out, size_t from, const uint64_t *pairs, size_t count) {
  pad(out, 4);
  refer(out, from);
  put(out, count, 4);
  put_bytes(out, pairs, 16 * count);
}

bytes write_columns(const field *fields, size_t count, size_t rows, const column *columns) {
  uint64_t *nodes = zeroed(2 * count, 8), *places = zeroed(6 * count, 8), body = 0;
  const void **parts = zeroed(3 * count, sizeof *parts);
  size_t buffers = 0;
  for (size_t at = 0; at < count; at++) {
    const column *of = &columns[at];
    nodes[2 * at] = rows;
    nodes[2 * at + 1] = of->missing;
    bool text = fields[at].type.tag == TEXT_TAG;
    const void *those[] = {of->valid, of->values, of->text};
    size_t sizes[3] = {0};
    if (rows) {
      sizes[0] = of->missing ? (rows + 7) / 8 : 0;
      sizes[1] = size_of(&fields[at], rows);
      sizes[2] = text ? ((const int32_t *)of->values)[rows] : 0;
    }
    for (size_t part = 0; part < 2 + text; part++, buffers++) {
      parts[buffers] = those[part];
      places[2 * buffers] = body;
      places[2 * buffers + 1] = sizes[part];
      body += (sizes[part] + 7) & -8;
    }
  }
  buffer out = {0};
  put_schema(&out, fields, count);
  size_t message = out.length, header = begin(&out, 3);
  memcpy(out.at + header + 8, &body, 8);
  size_t batch = TABLE(&out, header, {8, rows}, REFERENCE, REFERENCE);
  put_pairs(&out, batch + 8, nodes, count);
  put_pairs(&out, batch + 16, places, buffers);
  end(&out, message);
  for (size_t at = 0; at < buffers; at++) {
    put_bytes(&out, parts[at], places[2 * at + 1]);
    pad(&out, 0);
  }
  put(&out, 0xffffffff, 8);
  free(nodes), free(places), free(parts);
  return (bytes){out.at, out.length};
}
