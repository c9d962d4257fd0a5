/* ice/srtp_index.c: packet index estimate and window of used indices. See srtp_index.h. */
#include "ice/srtp_index.h"

#include <string.h>

int64_t srtp_index_estimate(const struct srtp_index *x, uint16_t seq) {
  if (!x->started) return seq;
  int64_t roc = (int64_t)(x->highest >> 16);
  uint16_t last = (uint16_t)x->highest;
  if (last < 0x8000) {
    if (seq - last > 0x8000) roc--;
  } else {
    if (last - 0x8000 > seq) roc++;
  }
  if (roc < 0) return SRTP_TOO_OLD;
  if (roc > UINT32_MAX) return SRTP_KEY_EXPIRED;
  return (roc << 16) | seq;
}

static uint64_t *window_word(uint64_t *window, uint64_t index) {
  return &window[(index % SRTP_WINDOW_PACKETS) / 64];
}

int srtp_index_check(const struct srtp_index *x, uint64_t index) {
  if (!x->started || index > x->highest) return SRTP_OK;
  if (x->highest - index >= SRTP_WINDOW_PACKETS) return SRTP_TOO_OLD;
  uint64_t word = x->window[(index % SRTP_WINDOW_PACKETS) / 64];
  return (word >> (index % 64)) & 1 ? SRTP_REPLAYED : SRTP_OK;
}

void srtp_index_commit(struct srtp_index *x, uint64_t index) {
  if (!x->started) {
    x->started = 1;
    x->highest = index;
  } else if (index > x->highest) {
    if (index - x->highest >= SRTP_WINDOW_PACKETS) {
      memset(x->window, 0, sizeof x->window);
    } else {
      for (uint64_t i = x->highest + 1; i < index; i++)
        *window_word(x->window, i) &= ~(UINT64_C(1) << (i % 64));
    }
    x->highest = index;
  }
  *window_word(x->window, index) |= UINT64_C(1) << (index % 64);
}
