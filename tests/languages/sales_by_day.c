// KPI: the sum of `total_amount` by `order_date`, as `plugins/sales-by-day` computes it.

#include "kpi.h"

#include <stdlib.h>

static const field ORDERS[] = {{STR("order_date"), DATE}, {STR("total_amount"), MONEY}};
// The first is the key.
static const field DAYS[] = {{STR("order_date"), DATE}, {STR("orders"), INT64}, {STR("revenue"), MONEY}};
static const field OUTPUT[] = {{STR("order_date"), DATE}, {STR("revenue"), MONEY}};

static const str KEY[] = {STR("order_date")};

static const kpi_input INPUTS[] = {{STR("orders"), LIST(ORDERS)}};
static const stage STAGES[] = {{{DAYS, 1}, {DAYS + 1, 2}, 0}};

const identity plugin = {
    .name = STR("sales-by-day"),
    .version = STR("1.0.0"),
    .summary = STR("Revenue by calendar day (UTC)"),
    .parameters = STR("{\"type\": \"object\", \"additionalProperties\": false}"),
};

const kpi_description description = {
    .inputs = LIST(INPUTS),
    .stages = LIST(STAGES),
    .output = LIST(OUTPUT),
    .key = {true, LIST(KEY)},
};

typedef struct {
  int64_t orders;
  int128 revenue;
} sums;

struct accumulator {
  table days;
};

result accumulator_open(uint32_t input, str params, const int64_t *as_of) {
  accumulator *self = zeroed(1, sizeof *self);
  self->days.value_size = sizeof(sums);
  return opened(self);
}

result accumulator_update(accumulator *self, bytes batch) {
  column columns[2];
  size_t rows = read_columns(batch, ORDERS, 2, columns);
  const int32_t *days = columns[0].values;
  const int128 *amounts = columns[1].values;
  for (size_t row = 0; row < rows; row++) {
    sums *of = value_at(&self->days, &days[row], sizeof days[row]);
    of->orders += 1;
    of->revenue += amounts[row];
  }
  return done();
}

result accumulator_state(accumulator *self) {
  size_t rows = self->days.count;
  int64_t *orders = zeroed(rows, sizeof *orders);
  int128 *revenue = zeroed(rows, sizeof *revenue);
  for (size_t row = 0; row < rows; row++) {
    const sums *of = (const sums *)self->days.values + row;
    orders[row] = of->orders;
    revenue[row] = of->revenue;
  }
  column columns[] = {{.values = self->days.keys}, {.values = orders}, {.values = revenue}};
  bytes stream = write_columns(DAYS, 3, rows, columns);
  free(orders);
  free(revenue);
  free_table(&self->days);
  self->days = (table){.value_size = sizeof(sums)};
  return gives(stream);
}

void accumulator_drop(accumulator *self) {
  free_table(&self->days);
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
  column days[3];
  size_t length = read_columns(rows, DAYS, 3, days);
  return gives(write_columns(OUTPUT, 2, length, (column[]){days[0], days[2]}));
}

bool reducer_save(reducer *self, bytes *saved) { return true; }

void reducer_drop(reducer *self) { free(self); }
