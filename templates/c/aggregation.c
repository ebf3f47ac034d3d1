// KPI: the number of events of each kind, and the sum of their amounts.

#include "kpi.h"

#include <stdlib.h>

static const field EVENTS[] = {{STR("kind"), TEXT}, {STR("amount"), MONEY}};
// The first column is the key of the sums. The table of the KPI has the same columns.
static const field TOTALS[] = {{STR("kind"), TEXT}, {STR("events"), INT64}, {STR("total"), MONEY}};

static const str KEY[] = {STR("kind")};

static const kpi_input INPUTS[] = {{STR("events"), LIST(EVENTS)}};
static const stage STAGES[] = {{{TOTALS, 1}, {TOTALS + 1, 2}, 1}};

const identity plugin = {
    .name = STR("{{name}}"),
    .version = STR("0.1.0"),
    .summary = STR("{{summary}}"),
    .parameters = STR("{\"type\": \"object\", \"additionalProperties\": false}"),
};

const kpi_description description = {
    .inputs = LIST(INPUTS),
    .stages = LIST(STAGES),
    .output = LIST(TOTALS),
    .key = {true, LIST(KEY)},
};

typedef struct {
  int64_t events;
  int128 total;
} sums;

struct accumulator {
  table kinds;
};

result accumulator_open(uint32_t input, str params, const int64_t *as_of) {
  accumulator *self = zeroed(1, sizeof *self);
  self->kinds.value_size = sizeof(sums);
  return opened(self);
}

result accumulator_update(accumulator *self, bytes batch) {
  column columns[2];
  size_t rows = read_columns(batch, EVENTS, 2, columns);
  const int128 *amounts = columns[1].values;
  for (size_t row = 0; row < rows; row++) {
    str kind = text_of(&columns[0], row);
    sums *of = value_at(&self->kinds, kind.at, kind.length);
    of->events += 1;
    of->total += amounts[row];
  }
  return done();
}

result accumulator_state(accumulator *self) {
  size_t rows = self->kinds.count;
  int64_t *events = zeroed(rows, sizeof *events);
  int128 *totals = zeroed(rows, sizeof *totals);
  for (size_t row = 0; row < rows; row++) {
    const sums *of = (const sums *)self->kinds.values + row;
    events[row] = of->events;
    totals[row] = of->total;
  }
  column columns[] = {{.values = self->kinds.ends, .text = self->kinds.keys}, {.values = events}, {.values = totals}};
  bytes stream = write_columns(TOTALS, 3, rows, columns);
  free(events);
  free(totals);
  // The rows that came so far are forgotten.
  free_table(&self->kinds);
  self->kinds = (table){.value_size = sizeof(sums)};
  return gives(stream);
}

void accumulator_drop(accumulator *self) {
  free_table(&self->kinds);
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
  column columns[3];
  size_t length = read_columns(rows, TOTALS, 3, columns);
  return gives(write_columns(TOTALS, 3, length, columns));
}

bool reducer_save(reducer *self, bytes *saved) { return true; }

void reducer_drop(reducer *self) { free(self); }
