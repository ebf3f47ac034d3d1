// Source: makes a file of invented events at every tick. It derives its only randomness from the seed.

#include "instants.h"
#include "source.h"

#include <string.h>

static const char *const KINDS[] = {"sale", "visit", ""};

static const str OBJECTS[] = {STR("events_*.csv")};

const identity plugin = {
    .name = STR("{{name}}"),
    .version = STR("0.1.0"),
    .summary = STR("{{summary}}"),
    .parameters = STR(
        "{\"type\": \"object\", \"properties\": {\"events\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 1000000,"
        " \"default\": 100, \"description\": \"Events a tick.\"}}, \"additionalProperties\": false}"),
};

const source_description description = {
    .objects = LIST(OBJECTS),
};

// Returns a number that looks random and depends only on `number`: SplitMix64.
static uint64_t mix(uint64_t number) {
  uint64_t mixed = number + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return mixed ^ mixed >> 31;
}

result source_generate(str params, tick of, objects *out) {
  int64_t events = 100;
  if (!integer_of(params, "events", &events)) return FAULT(INVALID_PARAMETERS, "parameter `events` must be an integer");
  buffer name = {0}, csv = {0};
  PUT(&csv, "id,kind,amount,at\n");
  for (int64_t event = 0; event < events; event++) {
    uint64_t random = mix(mix(of.seed ^ mix(of.number)) ^ event), cents = random / 3 % 10000;
    const char *kind = KINDS[random % 3];
    put_digits(&csv, of.number, 1), PUT(&csv, "-"), put_digits(&csv, event, 1), PUT(&csv, ",");
    put_bytes(&csv, kind, strlen(kind)), PUT(&csv, ",");
    put_digits(&csv, cents / 100, 1), PUT(&csv, "."), put_digits(&csv, cents % 100, 2), PUT(&csv, ",");
    put_iso(&csv, of.starts), PUT(&csv, "\n");
  }
  PUT(&name, "events_"), put_stamp(&name, of.starts), PUT(&name, ".csv");
  put_object(out, name, csv);
  return done();
}
