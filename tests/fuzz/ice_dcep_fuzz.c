/* tests/fuzz/ice_dcep_fuzz.c: DCEP messages: what parses stays within its caps and is written back the same. */
#include <stdlib.h>
#include <string.h>

#include "ice/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct data_channel_options options;
  uint8_t out[DCEP_MAX_OPEN_BYTES];
  (void)dcep_message_type(data, size);
  if (dcep_parse_open(data, size, &options) != SCTP_OK) return 0;
  if (options.label_len > SCTP_MAX_LABEL_BYTES || options.protocol_len > SCTP_MAX_PROTOCOL_BYTES) abort();
  size_t len = dcep_write_open(&options, out);
  if (len != size) abort();
  /* Bytes 4…7 are ignored for reliable channels and written as zero. */
  if (memcmp(out, data, 4) != 0 || memcmp(out + 8, data + 8, len - 8) != 0) abort();
  return 0;
}
