// Reads values from texts.

#include "cleaner.h"

#include <string.h>

size_t read_texts(bytes batch, size_t count, column *columns) {
  field fields[count];
  for (size_t at = 0; at < count; at++) fields[at] = (field){.type = TEXT};
  return read_columns(batch, fields, count, columns);
}

// Returns how many bytes the white space (of Unicode, in UTF-8) has that begins the text, or ends it.
static size_t blank(str text, bool ends) {
  static const char *blanks[] = {
      "\t", "\n", "\v", "\f", "\r", " ", "\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
      "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
  };
  uint8_t edge = text.length ? text.at[ends ? text.length - 1 : 0] : '!';
  // Nearly all texts end here.
  if (edge > ' ' && edge <= '~') return 0;
  for (size_t at = 0; at < sizeof blanks / sizeof *blanks; at++) {
    size_t length = strlen(blanks[at]);
    if (length <= text.length && !memcmp(blanks[at], text.at + (ends ? text.length - length : 0), length)) return length;
  }
  return 0;
}

bool trimmed(const column *of, size_t row, str *text) {
  if (!has(of, row)) return false;
  *text = text_of(of, row);
  for (size_t length; (length = blank(*text, false));) text->at += length, text->length -= length;
  for (size_t length; (length = blank(*text, true));) text->length -= length;
  return text->length > 0;
}

bool units_of(str text, int places, int128 *units) {
  const char *at = text.at, *end = text.at + text.length;
  bool minus = at < end && *at == '-', any = false, point = false;
  if (at < end && (*at == '-' || *at == '+')) at++;
  int128 value = 0;
  int64_t count = 0, power = places;
  for (; at < end; at++) {
    uint8_t digit = *at - '0';
    if (digit <= 9) {
      any = true;
      bool holds = count < 38;
      if (holds) value = value * 10 + digit;
      count += value > 0;
      // A digit after the point lowers the power. A digit before the point that is cut off raises the power of the others.
      power += holds ? -point : !point;
    } else if (*at == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (!any) return false;
  if (at < end) {
    if (*at != 'e' && *at != 'E') return false;
    at++;
    int sign = at < end && *at == '-' ? -1 : 1;
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    int64_t exponent = 0;
    for (; at < end; at++) {
      uint8_t digit = *at - '0';
      if (digit > 9 || exponent >= 100000000000000000) return false;
      exponent = exponent * 10 + digit;
    }
    power += sign * exponent;
  }
  const int128 most = (int128)10000000000000000000u * 1000000000000000000;
  for (; power > 0 && value; power--) {
    if (value >= most) return false;
    value *= 10;
  }
  // The last digit that is dropped decides the rounding.
  uint8_t last = 0;
  for (; power < 0 && (value || last); power++) last = value % 10, value /= 10;
  value += last >= 5;
  *units = minus ? -value : value;
  return true;
}
