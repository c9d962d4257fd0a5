/* signaling/schema.h: what a valid request looks like, as a table, and the check against it. Internal to signaling/. */
#ifndef SIGNALING_SCHEMA_H
#define SIGNALING_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signaling/message.h"

enum schema_kind {
  SCHEMA_TEXT,       /* min..max bytes of text for humans, one line          */
  SCHEMA_LINES,      /* the same, newline and tab allowed                    */
  SCHEMA_OPAQUE,     /* min..max bytes of UTF-8; somebody else parses it     */
  SCHEMA_IDENTIFIER, /* signaling_identifier_valid()                         */
  SCHEMA_MID,        /* RFC 5888 §4: a token; at most 32 bytes               */
  SCHEMA_ENUM,       /* one of `choices`                                     */
  SCHEMA_INTEGER,    /* min..max                                             */
  SCHEMA_BOOLEAN,
  SCHEMA_OBJECT,  /* `children`                                           */
  SCHEMA_OBJECTS, /* array of min..max objects, each with `children`      */
  SCHEMA_STRINGS, /* array of min..max identifiers                        */
};

struct schema_field {
  const char *name; /* NULL ends a list */
  enum schema_kind kind;
  bool required;
  int64_t min, max;
  const char *const *choices; /* NULL-terminated */
  const struct schema_field *children;
};

/* The fields of a request, ended by a NULL name. */
const struct schema_field *schema_of(enum signaling_type type);

/* Copies the known members of `object` into a new object *out. Returns 0, SIGNALING_BAD_REQUEST with the reason in
 * `why`, or SIGNALING_INTERNAL when out of memory. */
int schema_check(const struct schema_field *fields, const json_t *object, json_t **out, char *why, size_t why_cap);

#endif
