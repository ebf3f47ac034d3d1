#include "instants.h"

#include <string.h>

static const int64_t SECOND = 1000000, DAY = 86400 * SECOND;
// The first microsecond of year 0, and the first one after year 9999.
static const int64_t FIRST = -62167219200 * SECOND, AFTER = 253402300800 * SECOND;

// The algorithms are from Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", here for the years from 0 on. A year begins
// with March, so that the leap day is the last day of its year. An era has 400 years.

static int64_t days_of(int64_t year, int64_t month, int64_t day) {
  year += 400 - (month <= 2);
  int64_t of_era = year % 400, of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  return (year / 400 - 1) * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day) {
  days += 719468 + 146097;
  int64_t of_era = days % 146097;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100), from_march = (5 * of_year + 2) / 153;
  *day = of_year - (153 * from_march + 2) / 5 + 1;
  *month = (from_march + 2) % 12 + 1;
  *year = years + (days / 146097 - 1) * 400 + (*month <= 2);
}

// Takes `count` digits from the text.
static bool digits(str *text, size_t count, int64_t *number) {
  if (text->length < count) return false;
  *number = 0;
  for (size_t at = 0; at < count; at++) {
    uint8_t digit = text->at[at] - '0';
    if (digit > 9) return false;
    *number = *number * 10 + digit;
  }
  text->at += count;
  text->length -= count;
  return true;
}

// Takes one of these characters from the text.
static char one_of(str *text, const char *these) {
  if (!text->length || !memchr(these, *text->at, strlen(these))) return 0;
  text->length -= 1;
  return *text->at++;
}

bool instant_of(str text, int64_t *at) {
  int64_t year, month, day, hour, minute, second, digit, micros = 0, hours = 0, minutes = 0, places = 0;
  bool form = digits(&text, 4, &year) && one_of(&text, "-") && digits(&text, 2, &month) && one_of(&text, "-") &&
              digits(&text, 2, &day) && one_of(&text, "Tt ") && digits(&text, 2, &hour) && one_of(&text, ":") &&
              digits(&text, 2, &minute) && one_of(&text, ":") && digits(&text, 2, &second);
  if (!form) return false;
  if (one_of(&text, ".")) {
    for (; digits(&text, 1, &digit); places++) micros = places < 6 ? micros * 10 + digit : micros;
    if (!places) return false;
    for (; places < 6; places++) micros *= 10;
  }
  char zone = one_of(&text, "Zz+-");
  bool offset = zone == '+' || zone == '-';
  // An offset may be hours alone.
  if (offset && !digits(&text, 2, &hours)) return false;
  if (offset && text.length && !(one_of(&text, ":") && digits(&text, 2, &minutes))) return false;
  if (text.length || hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) return false;
  int64_t days = days_of(year, month, day), as[3];
  date_of(days, &as[0], &as[1], &as[2]);
  // A day that does not exist comes back as another day.
  if (as[0] != year || as[1] != month || as[2] != day) return false;
  minutes = (hours * 60 + minutes) * (zone == '-' ? -1 : 1);
  *at = days * DAY + ((hour * 60 + minute - minutes) * 60 + second) * SECOND + micros;
  return FIRST <= *at && *at < AFTER;
}

void put_iso(buffer *out, int64_t at) {
  // These numbers count from the beginning of year 0, so that all of them are positive.
  int64_t micros = (at - FIRST) % SECOND, days = (at - FIRST) / DAY + FIRST / DAY, second = (at - FIRST) % DAY / SECOND;
  int64_t year, month, day;
  date_of(days, &year, &month, &day);
  put_digits(out, year, 4), PUT(out, "-"), put_digits(out, month, 2), PUT(out, "-"), put_digits(out, day, 2), PUT(out, "T");
  put_digits(out, second / 3600, 2), PUT(out, ":"), put_digits(out, second / 60 % 60, 2), PUT(out, ":");
  put_digits(out, second % 60, 2);
  if (micros) PUT(out, "."), put_digits(out, micros, 6);
  PUT(out, "Z");
}

void put_stamp(buffer *out, int64_t at) {
  size_t start = out->length;
  put_iso(out, at);
  uint8_t *to = out->at + start, *end = to + 19;
  for (uint8_t *from = to; from < end; from++) {
    if (*from != '-' && *from != ':') *to++ = *from;
  }
  out->length = to - out->at;
}
