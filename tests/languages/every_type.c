// KPI: its table is its rows, each with how many there are of it. So what a column holds goes in and out as it is.

#include "kpi.h"

#include <stdlib.h>
#include <string.h>

enum { KEY = 11, SUMS = 1 };

static const field ROWS[KEY + SUMS] = {
    {STR("name"), TEXT},
    {STR("whole"), INT64},
    {STR("flag"), BOOLEAN},
    {STR("exact"), DECIMAL(38, 9)},
    {STR("note"), TEXT, NULLABLE},
    {STR("count"), INT64, NULLABLE},
    {STR("ratio"), FLOAT64, NULLABLE},
    {STR("sign"), BOOLEAN, NULLABLE},
    {STR("day"), DATE, NULLABLE},
    {STR("at"), TIMESTAMP, NULLABLE},
    {STR("sum"), DECIMAL(20, 0), NULLABLE},
    {STR("rows"), INT64},
};

static const kpi_input INPUTS[] = {{STR("rows"), {ROWS, KEY}}};
static const stage STAGES[] = {{{ROWS, KEY}, {ROWS + KEY, SUMS}, 0}};

const identity plugin = {STR("every-type"), STR("1.0.0"), STR("Rows as they are"), STR("{\"type\": \"object\"}")};

const kpi_description description = {
    .inputs = LIST(INPUTS),
    .stages = LIST(STAGES),
    .output = LIST(ROWS),
};

// A column of rows, by value where its type has a size, and else by byte.
typedef struct {
  size_t missing, length;
  char *valid, *values, *text;
} held;

struct accumulator {
  size_t rows;
  held columns[KEY];
};

result accumulator_open(uint32_t input, str params, const int64_t *as_of) { return opened(zeroed(1, sizeof(accumulator))); }

static void append(held *to, const field *of, const column *from, size_t before, size_t rows) {
  static const size_t sizes[] = {0, 8, 8, 4, 4, 8, 16};
  size_t size = sizes[of->type.tag], after = before + rows;
  to->missing += from->missing;
  to->valid = longer(to->valid, after / 8 + 1);
  to->values = longer(to->values, (after + 1) * (size ? size : 1));
  for (size_t row = 0; row < rows; row++) {
    size_t at = before + row, bit = 1 << at % 8;
    to->valid[at / 8] = (to->valid[at / 8] & (bit - 1)) | (has(from, row) ? bit : 0);
    if (!size) to->values[at / 8] = (to->values[at / 8] & (bit - 1)) | (bit_of(from->values, row) ? bit : 0);
  }
  if (!from->text) {
    if (size) memcpy(to->values + before * size, from->values, rows * size);
    return;
  }
  int32_t *ends = (int32_t *)to->values;
  ends[0] = 0;
  for (size_t row = 0; row < rows; row++) {
    str text = text_of(from, row);
    to->text = longer(to->text, to->length + text.length);
    memcpy(to->text + to->length, text.at, text.length);
    ends[before + row + 1] = to->length += text.length;
  }
}

result accumulator_update(accumulator *self, bytes batch) {
  column columns[KEY];
  size_t rows = read_columns(batch, ROWS, KEY, columns);
  for (size_t at = 0; at < KEY; at++) append(&self->columns[at], &ROWS[at], &columns[at], self->rows, rows);
  self->rows += rows;
  return done();
}

static void forget(accumulator *self) {
  for (size_t at = 0; at < KEY; at++) {
    free(self->columns[at].valid);
    free(self->columns[at].values);
    free(self->columns[at].text);
  }
  memset(self, 0, sizeof *self);
}

result accumulator_state(accumulator *self) {
  column columns[KEY + SUMS];
  for (size_t at = 0; at < KEY; at++) {
    const held *of = &self->columns[at];
    columns[at] = (column){of->missing, (const uint8_t *)of->valid, of->values, of->text};
  }
  int64_t *ones = zeroed(self->rows, sizeof *ones);
  for (size_t row = 0; row < self->rows; row++) ones[row] = 1;
  columns[KEY] = (column){.values = ones};
  bytes stream = write_columns(ROWS, KEY + SUMS, self->rows, columns);
  free(ones);
  forget(self);
  return gives(stream);
}

void accumulator_drop(accumulator *self) {
  forget(self);
  free(self);
}

// Every row of the stage is a row of the table, so a reducer remembers nothing.
struct reducer {
  char none;
};

result reducer_open(uint32_t stage, str params, const int64_t *as_of, const bytes *saved) {
  return opened(zeroed(1, sizeof(reducer)));
}

result reducer_reduce(reducer *self, bytes rows, const uint32_t *ends, size_t count, bool *enough) {
  column columns[KEY + SUMS];
  size_t length = read_columns(rows, ROWS, KEY + SUMS, columns);
  return gives(write_columns(ROWS, KEY + SUMS, length, columns));
}

bool reducer_save(reducer *self, bytes *saved) { return true; }

void reducer_drop(reducer *self) { free(self); }
