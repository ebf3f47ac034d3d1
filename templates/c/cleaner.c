// Records what happened to the rows of a batch, and takes the host's calls as the component model passes them.

#include "cleaner.h"

#include <stdlib.h>
#include <string.h>

#define CLEANING "smelt:plugin/cleaning@0.3.0"
#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
  size_t missing;
  buffer valid, values, text;
} cells;

struct cleaned {
  // The cells of each output column, and the index of the column that comes next.
  cells *columns;
  size_t next;
  buffer kept, rejected;
  // The number of repaired rows of each rule.
  uint32_t *repaired;
};

void keep(cleaned *out, size_t row) {
  if (out->next < description.output.count) fail("a row that is kept has too few cells");
  out->next = 0;
  put_bytes(&out->kept, &(uint32_t){row}, 4);
}

// Adds the next cell of the row. `types` are the allowed types of its column, and `value` is NULL if the cell is missing.
static void cell(cleaned *out, unsigned types, const void *value, size_t length) {
  static const size_t sizes[] = {[INT64_TAG] = 8, [FLOAT64_TAG] = 8, [DATE_TAG] = 4, [TIMESTAMP_TAG] = 8, [DECIMAL_TAG] = 16};
  if (out->next == description.output.count) fail("a row that is kept has too many cells");
  uint8_t tag = ((const field *)description.output.items)[out->next].type.tag;
  if (!(types >> tag & 1)) fail("a cell is not of its column's type");
  cells *column = &out->columns[out->next++];
  size_t row = out->kept.length / 4 - 1, bit = row % 8;
  if (!bit) more(&column->valid, 1);
  column->valid.at[row / 8] |= (value != NULL) << bit;
  column->missing += value == NULL;
  if (tag == TEXT_TAG) {
    put_bytes(&column->text, value, length);
    put_bytes(&column->values, &(int32_t){column->text.length}, 4);
  } else if (tag == BOOLEAN_TAG) {
    if (!bit) more(&column->values, 1);
    column->values.at[row / 8] |= (value && *(const bool *)value) << bit;
  } else {
    uint8_t *at = more(&column->values, sizes[tag]);
    if (value) memcpy(at, value, sizes[tag]);
  }
}

void cell_text(cleaned *out, str value) { cell(out, 1 << TEXT_TAG, value.length ? value.at : "", value.length); }
void cell_decimal(cleaned *out, int128 value) { cell(out, 1 << DECIMAL_TAG, &value, 0); }
void cell_integer(cleaned *out, int64_t value) { cell(out, 1 << INT64_TAG | 1 << TIMESTAMP_TAG | 1 << DATE_TAG, &value, 0); }
void cell_float(cleaned *out, double value) {
  // NaN has one bit pattern.
  if (value != value) value = __builtin_nan("");
  cell(out, 1 << FLOAT64_TAG, &value, 0);
}
void cell_boolean(cleaned *out, bool value) { cell(out, 1 << BOOLEAN_TAG, &value, 0); }
void cell_missing(cleaned *out) { cell(out, -1, NULL, 0); }

void reject(cleaned *out, size_t row, uint32_t rule) { put_bytes(&out->rejected, (uint32_t[]){row, rule}, 8); }

void repair(cleaned *out, uint32_t rule) {
  if (rule >= description.rules.count) fail("a row is repaired by a rule that is not among the description's");
  out->repaired[rule] += 1;
}

__attribute__((import_module("smelt:plugin/privacy@0.3.0"), import_name("pseudonymise"))) void privacy_pseudonymise(
    const str *texts, size_t count, list *pseudonyms);

list pseudonyms_of(const str *texts, size_t count) {
  list pseudonyms;
  privacy_pseudonymise(texts, count, &pseudonyms);
  return pseudonyms;
}

__attribute__((import_module("[export]" CLEANING), import_name("[resource-new]session"))) void *handle_of(session *);

EXPORT(CLEANING "#identify") const identity *identify(void) { return &plugin; }

static struct {
  bool failed;
  union {
    fault fault;
    cleaner_description is;
  };
} described;
// The parameters that `described` names.
static char *given_params;

EXPORT(CLEANING "#describe") const void *describe(char *params, size_t length) {
  described.failed = false;
  described.is = description;
  given_params = params;
  if (!described.is.session.params.at) described.is.session.params = (str){params, length};
  return &described;
}

EXPORT("cabi_post_" CLEANING "#describe") void description_taken(const void *given) { free(given_params); }

EXPORT(CLEANING "#[static]session.open")
const result *open(char *params, size_t length, int32_t given, int64_t as_of) {
  static result answer;
  answer = session_open((str){params, length}, given ? &as_of : NULL);
  if (!answer.failed) answer.opened = handle_of(answer.opened);
  free(params);
  return &answer;
}

typedef struct {
  bool failed;
  union {
    fault fault;
    struct {
      bytes kept;
      list kept_rows, rejected, repaired;
    };
  };
} answer;

static void finish(cleaned *out, answer *to) {
  if (out->next < description.output.count) fail("a row that is kept has too few cells");
  size_t count = description.output.count;
  column columns[count];
  for (size_t at = 0; at < count; at++) {
    const cells *of = &out->columns[at];
    columns[at] = (column){of->missing, of->valid.at, of->values.at, (const char *)of->text.at};
  }
  to->kept = write_columns(description.output.items, count, out->kept.length / 4, columns);
  to->kept_rows = (list){out->kept.at, out->kept.length / 4};
  to->rejected = (list){out->rejected.at, out->rejected.length / 8};
  buffer repaired = {0};
  for (uint32_t rule = 0; rule < description.rules.count; rule++) {
    if (out->repaired[rule]) put_bytes(&repaired, (uint32_t[]){rule, out->repaired[rule]}, 8);
  }
  to->repaired = (list){repaired.at, repaired.length / 8};
}

EXPORT(CLEANING "#[method]session.clean") const answer *clean(session *self, uint8_t *batch, size_t length) {
  static answer answer;
  size_t count = description.output.count;
  cleaned out = {zeroed(count, sizeof(cells)), .next = count, .repaired = zeroed(description.rules.count, 4)};
  for (size_t at = 0; at < count; at++) {
    // The first offset is 0: the first text begins there.
    if (((const field *)description.output.items)[at].type.tag == TEXT_TAG) more(&out.columns[at].values, 4);
  }
  result made = session_clean(self, (bytes){batch, length}, &out);
  answer.failed = made.failed;
  answer.fault = made.fault;
  if (made.failed) {
    free(out.kept.at), free(out.rejected.at);
  } else {
    finish(&out, &answer);
  }
  for (size_t at = 0; at < count; at++) {
    free(out.columns[at].valid.at), free(out.columns[at].values.at), free(out.columns[at].text.at);
  }
  free(out.columns), free(out.repaired), free(batch);
  return &answer;
}

// The host calls this when it has taken the answer.
EXPORT("cabi_post_" CLEANING "#[method]session.clean") void taken(const answer *given) {
  if (given->failed) return;
  free(given->kept.at), free((void *)given->kept_rows.items), free((void *)given->rejected.items);
  free((void *)given->repaired.items);
}

EXPORT(CLEANING "#[dtor]session") void drop(session *self) { session_drop(self); }
