// First: what smelt needs from a cleaner, and `cleaning.c` defines. Then: the functions with which `cleaning.c` is written.

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

// The items of the lists, in this order, are `str`, `field`, `str`, `order` and `rule`.
typedef struct {
  list input, output, key, order_by, rules;
  setting session;
} cleaner_description;

extern const identity plugin;
extern const cleaner_description description;

typedef struct session session;
typedef struct cleaned cleaned;

// `as_of` is NULL unless the setting uses it. The arguments of a call are freed when the call returns.
result session_open(str params, const int64_t *as_of);
// Keeps or rejects every row of the batch, in order.
result session_clean(session *self, bytes batch, cleaned *out);
void session_drop(session *self);

// Reads the columns of a batch, which are text. Returns the number of rows.
size_t read_texts(bytes batch, size_t count, column *columns);

// Reads a row's text without the white space around it. Returns false if nothing is left.
bool trimmed(const column *of, size_t row, str *text);

// Reads a number such as `12`, `-.5` or `1.5e3` in units of the last decimal place: `1.005` with two places is 101. The result is
// rounded half away from zero. Digits after the 38th are cut off. Returns false if the text is not such a number, or if 38 digits
// cannot hold the result.
bool units_of(str text, int places, int128 *units);

// Returns the pseudonym of each text, as `str`. Free each of them, and the list's items.
list pseudonyms_of(const str *texts, size_t count);

// Keeps the row. Give its cells next, in the order of the output's columns.
void keep(cleaned *out, size_t row);
void cell_text(cleaned *out, str value);
void cell_decimal(cleaned *out, int128 value);
// For an `int64`, a timestamp or a date.
void cell_integer(cleaned *out, int64_t value);
void cell_float(cleaned *out, double value);
void cell_boolean(cleaned *out, bool value);
void cell_missing(cleaned *out);

// Rejects the row under a rule, which is given by its index in the description.
void reject(cleaned *out, size_t row, uint32_t rule);
// Counts a kept row that the rule changed.
void repair(cleaned *out, uint32_t rule);
