// Cleaner: a cell of every type, each of them there or missing, and pseudonyms.

#include "cleaner.h"

#include <stdlib.h>

static const str INPUT[] = {STR("name"), STR("number")};
static const field OUTPUT[] = {
    {STR("name"), TEXT, NULLABLE},
    {STR("who"), TEXT, NULLABLE},
    {STR("count"), INT64, NULLABLE},
    {STR("ratio"), FLOAT64, NULLABLE},
    {STR("odd"), BOOLEAN, NULLABLE},
    {STR("day"), DATE, NULLABLE},
    {STR("at"), TIMESTAMP, NULLABLE},
    {STR("exact"), DECIMAL(20, 3), NULLABLE},
};

const identity plugin = {STR("every-cell"), STR("1.0.0"), STR("Rows as they are"), STR("{\"type\": \"object\"}")};

const cleaner_description description = {
    .input = LIST(INPUT),
    .output = LIST(OUTPUT),
};

result session_open(str params, const int64_t *as_of) { return opened(zeroed(1, 1)); }

result session_clean(session *self, bytes batch, cleaned *out) {
  column columns[2];
  size_t rows = read_texts(batch, 2, columns), sent = 0;
  str *names = zeroed(rows, sizeof *names);
  for (size_t row = 0; row < rows; row++) sent += trimmed(&columns[0], row, &names[sent]);
  list pseudonyms = pseudonyms_of(names, sent);
  const str *next = pseudonyms.items;
  for (size_t row = 0; row < rows; row++) {
    str name, number;
    int128 whole, exact;
    keep(out, row);
    if (trimmed(&columns[0], row, &name)) {
      cell_text(out, name), cell_text(out, *next);
      free((void *)next++->at);
    } else {
      cell_missing(out), cell_missing(out);
    }
    bool given = trimmed(&columns[1], row, &number) && units_of(number, 0, &whole) && units_of(number, 3, &exact);
    // So that it is a day, too.
    if (given && -100000 < whole && whole < 100000) {
      cell_integer(out, whole), cell_float(out, whole ? (double)exact / 1000 : __builtin_nan("")), cell_boolean(out, whole & 1);
      cell_integer(out, whole), cell_integer(out, whole * 1000), cell_decimal(out, exact);
    } else {
      for (size_t at = 0; at < 6; at++) cell_missing(out);
    }
  }
  free(names), free((void *)pseudonyms.items);
  return done();
}

void session_drop(session *self) { free(self); }
