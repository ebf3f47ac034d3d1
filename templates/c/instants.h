// Reads and writes instants: microseconds since 1970-01-01T00:00:00Z, without leap seconds. Reads them as cleaners in Rust do.

#pragma once

#include "smelt.h"

// Reads the instant of a text in RFC 3339. The `T` may be a space, and an instant without a zone is UTC. Digits of a second after
// the sixth are cut off. Returns false for any other text, such as days that do not exist, 24:00:00, leap seconds, and instants
// that their offset moves out of the years 0 to 9999.
bool instant_of(str text, int64_t *at);

// Writes RFC 3339 in UTC, with six digits of the second if it is not whole, for the years 0 to 9999.
void put_iso(buffer *out, int64_t at);

// Writes `YYYYMMDDTHHMMSS`, the stamp in the names of objects.
void put_stamp(buffer *out, int64_t at);
