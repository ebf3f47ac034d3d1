// Instants, as microseconds since 1970-01-01T00:00:00Z without leap seconds: read from text as cleaners in Rust do, and written.

#pragma once

#include "smelt.h"

// Whether it is one of RFC 3339, of which the `T` may be a space and the zone may be left out, which is UTC then. Digits of a
// second after the sixth are cut off. Nothing else is: days that do not exist, 24:00:00, leap seconds, and what an offset pushes out of the years 0 to 9999.
bool instant_of(str text, int64_t *at);

// RFC 3339 in UTC, with six digits of the second where it is not whole. Of the years 0 to 9999.
void put_iso(buffer *out, int64_t at);

// `YYYYMMDDTHHMMSS`: the stamp in the names of objects.
void put_stamp(buffer *out, int64_t at);
