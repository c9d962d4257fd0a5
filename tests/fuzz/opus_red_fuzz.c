/* Fuzzes RED and Opus: what is split joins to the same bytes. Input: a RED payload. */
#include "tests/fuzz/rtp_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rtp_red red;
  HOLDS(rtp_opus_duration(data, size) <= 5760);
  if (rtp_red_parse(data, size, &red) != RTP_OK) return 0;
  HOLDS(red.count >= 1 && red.count <= RTP_RED_MAX_BLOCKS);
  for (unsigned i = 0; i < red.count; i++) {
    HOLDS(red.blocks[i].data >= data && red.blocks[i].data + red.blocks[i].len <= data + size);
  }
  uint8_t *out = malloc(size);
  HOLDS(out != NULL);
  HOLDS(rtp_red_write(out, size, &red) == (int)size);
  HOLDS(memcmp(out, data, size) == 0);
  HOLDS(rtp_red_write(out, size - 1, &red) == RTP_ERROR_NO_SPACE);
  free(out);
  return 0;
}
