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
  a->wanted_us = DELAY_MIN_US;
}

static int64_t fastest_us(const struct audio_buffer *a, uint32_t seq) {
  return a->base_us + (int64_t)(int32_t)(seq - a->base_seq) * FRAME_US;
}

void audio_buffer_packet(struct audio_buffer *a, uint32_t seq, int64_t now_us) {
  if (!a->started) {
    a->started = true;
    a->next = a->base_seq = a->highest = seq;
    a->base_us = now_us;
    a->play_us = now_us + (int64_t)a->wanted_us;
  }
  if (a->have[seq % AUDIO_SLOTS] == seq + 1) return;
  a->base_us += 20; /* forgotten slowly */
  int64_t early_us = fastest_us(a, seq) - now_us;
  if (early_us > 0) a->base_us -= early_us;
  double late_us = (double)(now_us - fastest_us(a, seq)) + FRAME_US;
  a->wanted_us += (late_us - a->wanted_us) * (late_us > a->wanted_us ? UP : DOWN);
  a->wanted_us = fmin(fmax(a->wanted_us, DELAY_MIN_US), DELAY_MAX_US);
  if ((int32_t)(seq - a->highest) > 0) a->highest = seq;
  if ((int32_t)(seq - a->next) >= 0) a->have[seq % AUDIO_SLOTS] = seq + 1;
}

/* One 20 ms step. Missing and later ones are there: concealed, gone. Nothing is there: concealed, and everything plays later. */
static bool step(struct audio_buffer *a) {
  bool there = a->have[a->next % AUDIO_SLOTS] == a->next + 1;
  bool empty = (int32_t)(a->highest - a->next) < 0;
  if (!there && empty) {
    a->play_us += FRAME_US;
    a->waited++;
    return false;
  }
  /* What was concealed while nothing was there stands for packets that are gone. */
  while (!there && a->waited && (int32_t)(a->highest - a->next) > 0) {
    a->waited--;
    a->next++;
    there = a->have[a->next % AUDIO_SLOTS] == a->next + 1;
  }
  a->waited = 0;
  a->next++;
  double delay_us = (double)(a->play_us + FRAME_US - fastest_us(a, a->next));
  a->play_us += FRAME_US + (int64_t)fmin(fmax(a->wanted_us - delay_us, -STRETCH_US), STRETCH_US);
  return there;
}

void audio_buffer_play(struct audio_buffer *a, int64_t now_us, bool count) {
  while (a->started && a->play_us <= now_us) {
    int64_t at_us = a->play_us;
    bool there = step(a);
    if (there) a->heard_us = at_us;
    if (!count) continue;
    a->played++;
    a->concealed += !there;
    a->run_us = there ? 0 : a->run_us + FRAME_US;
    if (a->run_us > a->longest_run_us) a->longest_run_us = a->run_us;
  }
}
