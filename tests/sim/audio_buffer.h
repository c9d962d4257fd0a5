/* tests/sim/audio_buffer.h: a browser's audio jitter buffer: plays 20 ms after 20 ms, conceals what is not there, and adapts its delay
 * to how late packets come by stretching time a little. Concealed time is what W3C's statistics call concealedSamples. */
#ifndef TESTS_SIM_AUDIO_BUFFER_H
#define TESTS_SIM_AUDIO_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIO_SLOTS 256

struct audio_buffer {
  uint32_t have[AUDIO_SLOTS]; /* extended number + 1 */
  bool started;
  uint32_t next, highest; /* to play; newest */
  uint32_t base_seq; /* the fastest packet: arrival of number n without delay is base_us + (n - base_seq) * 20 ms */
  int64_t base_us, play_us, heard_us;
  uint32_t waited;  /* steps without any packet */
  double wanted_us; /* delay above the fastest way */
  uint64_t played, concealed;
  int64_t run_us, longest_run_us; /* concealment without a break */
};

void audio_buffer_init(struct audio_buffer *a);
void audio_buffer_packet(struct audio_buffer *a, uint32_t seq, int64_t now_us);
/* Plays until now. `count`: within the time that is measured. */
void audio_buffer_play(struct audio_buffer *a, int64_t now_us, bool count);

#endif
