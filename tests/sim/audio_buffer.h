/* tests/sim/audio_buffer.h: a browser's audio jitter buffer: plays 20 ms after 20 ms, conceals what is not there, and adapts its delay by
 * stretching time a little. Concealed time is what W3C's statistics call concealedSamples.
 *
 * The delay follows libwebrtc's NetEq, with its constants: of the latest packet of each half second the 95th percentile, long
 * remembered; and for frames that come late (RED, retransmissions) as much more as is worth it, 20 ms for each percent of frames
 * saved. */
#ifndef TESTS_SIM_AUDIO_BUFFER_H
#define TESTS_SIM_AUDIO_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIO_SLOTS   256
#define AUDIO_HISTORY 256
#define AUDIO_BUCKETS 100 /* of 20 ms */

struct audio_histogram {
  double share[AUDIO_BUCKETS], forget;
  uint32_t count;
  int used; /* buckets from here on are empty */
};

struct audio_buffer {
  uint32_t have[AUDIO_SLOTS]; /* extended number + 1 */
  bool started;
  uint32_t next, highest; /* to play; newest */
  struct audio_arrival {
    int64_t at_us, offset_us; /* arrival, and that minus the frame's time */
    uint32_t number;
  } history[AUDIO_HISTORY]; /* each faster than all after it … */
  uint32_t history_head, history_tail;
  uint32_t arrived;
  int64_t fastest_us; /* least offset of the last two seconds */
  struct audio_histogram underrun, late;
  int64_t interval_until_us, interval_worst_us;
  int64_t play_us, heard_us;
  uint32_t waited;  /* steps without any packet */
  double wanted_us; /* delay above the fastest way */
  uint64_t played, concealed;
  int64_t run_us, longest_run_us; /* concealment without a break */
};

void audio_buffer_init(struct audio_buffer *a);
/* One frame, first come or again. */
void audio_buffer_packet(struct audio_buffer *a, uint32_t seq, int64_t now_us);
/* Plays until now. `count`: within the time that is measured. */
void audio_buffer_play(struct audio_buffer *a, int64_t now_us, bool count);

#endif
