// What a cleaner is to smelt: `cleaning.c` defines what is declared first here. Then, what it is written with.

#pragma once

#include "smelt.h"

typedef struct {
  str name, summary;
  enum __attribute__((packed)) { REJECT, REPAIR } action;
} rule;

typedef struct {
  str column;
  enum __attribute__((packed)) { GREATEST, LEAST } prefer;
} order;

// Of `str`, `field`, `str`, `order` and `rule`.
typedef struct {
  identity identity;
  list input, output, key, order_by, rules;
} cleaner_description;

extern const cleaner_description description;

typedef struct session session;
typedef struct cleaned cleaned;

// `as_of` is NULL unless the identity uses it. Nothing of what calls are given is there when they have returned.
result session_open(str params, const int64_t *as_of);
// Every row of the batch, in order, is kept or rejected.
result session_clean(session *self, bytes batch, cleaned *out);
void session_drop(session *self);

// The number of rows of a batch, and its columns, which are text.
size_t read_texts(bytes batch, size_t count, column *columns);

// Whether anything is left of a row's text without the white space around it.
bool trimmed(const column *of, size_t row, str *text);

// Whether it is a number such as `12`, `-.5` or `1.5e3`, which 38 digits hold in units of the last of so many places. It is
// rounded half away from zero: `1.005` with two places is 101. Digits after the 38th are cut off.
bool units_of(str text, int places, int128 *units);

// The pseudonym of each of the texts, as `str`: to be freed, and the list itself.
list pseudonyms_of(const str *texts, size_t count);

// Keeps the row. Its cells follow, in the order of the output's columns.
void keep(cleaned *out, size_t row);
void cell_text(cleaned *out, str value);
void cell_decimal(cleaned *out, int128 value);
// Of an `int64`, a timestamp or a date.
void cell_integer(cleaned *out, int64_t value);
void cell_float(cleaned *out, double value);
void cell_boolean(cleaned *out, bool value);
void cell_missing(cleaned *out);

// Rejects the row under a rule, given by its index in the description.
void reject(cleaned *out, size_t row, uint32_t rule);
// Counts that the rule changed a row that is kept.
void repair(cleaned *out, uint32_t rule);
