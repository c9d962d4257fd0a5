/* Playing audio: see tests/sim/audio_buffer.h. */
#include "tests/sim/audio_buffer.h"

#include <math.h>
#include <string.h>

#define FRAME_US     20000
#define DELAY_MIN_US 40000.0
#define DELAY_MAX_US 500000.0
#define UP           0.2
#define DOWN         0.005 /* about the 97th percentile of lateness */
#define STRETCH_US   3000  /* of each 20 ms that are played: 15 % */

void audio_buffer_init(struct audio_buffer *a) {
  memset(a, 0, sizeof *a);
  a->delay_us = a->wanted_us = DELAY_MIN_US;
}

void audio_buffer_packet(struct audio_buffer *a, uint32_t seq, int64_t now_us) {
  if (!a->started) {
    a->started = true;
    a->next = a->base_seq = seq;
    a->base_us = now_us;
    a->play_us = now_us + (int64_t)a->delay_us;
  }
  if (a->have[seq % AUDIO_SLOTS] == seq + 1) return;
  int64_t fastest_us = a->base_us + (int64_t)(int32_t)(seq - a->base_seq) * FRAME_US;
  a->base_us += 20; /* forgotten slowly */
  if (now_us < fastest_us) {
    a->base_us -= fastest_us - now_us;
    fastest_us = now_us;
  }
  double late_us = (double)(now_us - fastest_us) + FRAME_US;
  a->wanted_us += (late_us - a->wanted_us) * (late_us > a->wanted_us ? UP : DOWN);
  a->wanted_us = fmin(fmax(a->wanted_us, DELAY_MIN_US), DELAY_MAX_US);
  if ((int32_t)(seq - a->next) >= 0) a->have[seq % AUDIO_SLOTS] = seq + 1;
}

void audio_buffer_play(struct audio_buffer *a, int64_t now_us, bool count) {
  while (a->started && a->play_us <= now_us) {
    bool there = a->have[a->next % AUDIO_SLOTS] == a->next + 1;
    if (count) {
      a->played++;
      a->concealed += !there;
      a->run_us = there ? 0 : a->run_us + FRAME_US;
      if (a->run_us > a->longest_run_us) a->longest_run_us = a->run_us;
    }
    a->next++;
    double step_us = fmin(fmax(a->wanted_us - a->delay_us, -STRETCH_US), STRETCH_US);
    a->delay_us += step_us;
    a->play_us = a->base_us + (int64_t)(int32_t)(a->next - a->base_seq) * FRAME_US + (int64_t)a->delay_us;
    if (a->play_us < now_us - 5000000) a->play_us = now_us; /* never play hours at once */
  }
}
