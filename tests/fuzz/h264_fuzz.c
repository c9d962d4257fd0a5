/* Fuzzes the H264 payload parser and the patch of picture ids. Input: marker bit, payload. */
#include "tests/fuzz/rtp_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_codec(RTP_CODEC_H264, data, size);
}
