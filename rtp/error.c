/* Names of the refusals, for metrics and traces. */
#include "rtp/error.h"

#include <stddef.h>

const char *rtp_error_name(int error) {
  static const char *const names[RTP_ERROR_COUNT] = {
      "ok",   "short", "version",  "extension",    "padding",  "length",
      "type", "value", "too_many", "no_structure", "no_space",
  };
  if (error > 0 || error <= -RTP_ERROR_COUNT) return "unknown";
  return names[-error];
}
