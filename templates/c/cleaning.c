// Cleaner: events with an exact amount. Of all rows with one id, the host keeps the one with the latest instant.

#include "cleaner.h"

#include <stdlib.h>

#include "instants.h"

enum { ID, KIND, AMOUNT, AT, COLUMNS };

static const str INPUT[] = {[ID] = STR("id"), [KIND] = STR("kind"), [AMOUNT] = STR("amount"), [AT] = STR("at")};
static const field OUTPUT[] = {{STR("id"), TEXT}, {STR("kind"), TEXT}, {STR("amount"), MONEY}, {STR("at"), TIMESTAMP}};

static const str KEY[] = {STR("id")};
static const order ORDER[] = {{STR("at"), GREATEST}};

enum { MISSING_ID, INVALID_AT, INVALID_AMOUNT, MISSING_KIND };

static const rule RULES[] = {
    [MISSING_ID] = {STR("missing_id"), STR("The event has no id."), REJECT},
    [INVALID_AT] = {STR("invalid_at"), STR("The instant is missing or is no such instant."), REJECT},
    [INVALID_AMOUNT] = {STR("invalid_amount"), STR("The amount is missing or not numeric."), REJECT},
    [MISSING_KIND] = {STR("missing_kind"), STR("The kind is missing; it becomes `unknown`."), REPAIR},
};

const identity plugin = {
    .name = STR("{{name}}"),
    .version = STR("0.1.0"),
    .summary = STR("{{summary}}"),
    .parameters = STR("{\"type\": \"object\", \"additionalProperties\": false}"),
};

const cleaner_description description = {
    .input = LIST(INPUT),
    .output = LIST(OUTPUT),
    .key = LIST(KEY),
    .order_by = LIST(ORDER),
    .rules = LIST(RULES),
};

// The session keeps nothing from one batch to the next.
struct session {
  char none;
};

result session_open(str params, const int64_t *as_of) { return opened(zeroed(1, sizeof(session))); }

result session_clean(session *self, bytes batch, cleaned *out) {
  column columns[COLUMNS];
  size_t rows = read_texts(batch, COLUMNS, columns);
  for (size_t row = 0; row < rows; row++) {
    str id, kind, amount, at;
    int64_t time;
    int128 cents;
    if (!trimmed(&columns[ID], row, &id)) {
      reject(out, row, MISSING_ID);
    } else if (!trimmed(&columns[AT], row, &at) || !instant_of(at, &time)) {
      reject(out, row, INVALID_AT);
    } else if (!trimmed(&columns[AMOUNT], row, &amount) || !units_of(amount, 2, &cents)) {
      reject(out, row, INVALID_AMOUNT);
    } else {
      if (!trimmed(&columns[KIND], row, &kind)) {
        repair(out, MISSING_KIND);
        kind = (str)STR("unknown");
      }
      keep(out, row);
      cell_text(out, id), cell_text(out, kind), cell_decimal(out, cents), cell_integer(out, time);
    }
  }
  return done();
}

void session_drop(session *self) { free(self); }
