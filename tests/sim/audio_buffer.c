/* Playing audio: see tests/sim/audio_buffer.h. */
#include "tests/sim/audio_buffer.h"

#include <math.h>
#include <string.h>

#define FRAME_US        20000
#define BUCKET_US       20000
#define START_DELAY_US  80000.0
#define QUANTILE        0.95
#define UNDERRUN_FORGET 0.983
#define LATE_FORGET     0.9993
#define US_PER_SHARE    2000000.0 /* 20 ms for each percent */
#define INTERVAL_US     500000
#define HISTORY_US      2000000
#define LOWER_US        85000.0 /* stretched only below the wanted delay minus this, or three quarters of it */
#define UPPER_US        20000.0 /* shortened only this much above */
#define STRETCH_US      3000    /* of each 20 ms that are played: 15 % */

void audio_buffer_init(struct audio_buffer *a) {
  memset(a, 0, sizeof *a);
  a->wanted_us = START_DELAY_US;
  a->underrun.forget = UNDERRUN_FORGET;
  a->late.forget = LATE_FORGET;
}

static void histogram_add(struct audio_histogram *h, int64_t us) {
  int64_t bucket = us < 0 ? 0 : us / BUCKET_US;
  double forget = 1 - 2.0 / (h->count + 1);
  if (forget < 0) forget = 0;
  if (forget > h->forget) forget = h->forget;
  h->count++;
  if (bucket >= AUDIO_BUCKETS) bucket = AUDIO_BUCKETS - 1;
  if (bucket >= h->used) h->used = (int)bucket + 1;
  for (int i = 0; i < h->used; i++)
    h->share[i] *= forget;
  h->share[bucket] += 1 - forget;
}

static double quantile_us(const struct audio_histogram *h) {
  double sum = 0;
  for (int i = 0; i < AUDIO_BUCKETS; i++) {
    sum += h->share[i];
    if (sum >= QUANTILE - 1e-9) return (i + 1.0) * BUCKET_US;
  }
  return START_DELAY_US;
}

/* Waiting costs its time, not waiting the frames that come later. */
static double worth_us(const struct audio_histogram *h, double base_us) {
  double lost = 1, least = INFINITY, best_us = BUCKET_US;
  for (int i = 0; i < AUDIO_BUCKETS; i++) {
    lost -= h->share[i];
    double waiting = i * (double)BUCKET_US - base_us, cost = waiting > 0 ? waiting : 0;
    if (cost >= least - 1e-6) break; /* more of it costs more */
    cost += lost > 0 ? US_PER_SHARE * lost : 0;
    if (cost >= least - 1e-6) continue;
    least = cost;
    best_us = (i + 1.0) * BUCKET_US;
  }
  return best_us;
}

/* Whoever was slower than a later one will never be the fastest. */
static void note_offset(struct audio_buffer *a, int64_t offset_us, int64_t now_us) {
  uint32_t number = a->arrived++;
  while (a->history_head != a->history_tail && a->history[(a->history_tail - 1) % AUDIO_HISTORY].offset_us >= offset_us)
    a->history_tail--;
  struct audio_arrival *first = &a->history[a->history_head % AUDIO_HISTORY];
  while (a->history_head != a->history_tail &&
         (first->at_us < now_us - HISTORY_US || number - first->number >= AUDIO_HISTORY))
    first = &a->history[++a->history_head % AUDIO_HISTORY];
  a->history[a->history_tail++ % AUDIO_HISTORY] = (struct audio_arrival){now_us, offset_us, number};
  a->fastest_us = a->history[a->history_head % AUDIO_HISTORY].offset_us;
}

static void note_arrival(struct audio_buffer *a, uint32_t seq, int64_t now_us) {
  int64_t offset_us = now_us - (int64_t)seq * FRAME_US;
  note_offset(a, offset_us, now_us);
  int64_t late_us = offset_us - a->fastest_us;
  bool newest = (int32_t)(seq - a->highest) >= 0;
  histogram_add(&a->late, newest ? 0 : late_us);
  if (newest && late_us > a->interval_worst_us) a->interval_worst_us = late_us;
  if (now_us >= a->interval_until_us) {
    if (a->interval_until_us) histogram_add(&a->underrun, a->interval_worst_us);
    a->interval_worst_us = 0;
    a->interval_until_us = now_us + INTERVAL_US;
  }
  double base_us = a->underrun.count ? quantile_us(&a->underrun) : START_DELAY_US;
  a->wanted_us = fmax(base_us, worth_us(&a->late, base_us));
}

void audio_buffer_packet(struct audio_buffer *a, uint32_t seq, int64_t now_us) {
  if (!a->started) {
    a->started = true;
    a->next = a->highest = seq;
    a->play_us = now_us + (int64_t)a->wanted_us;
  }
  if (a->have[seq % AUDIO_SLOTS] == seq + 1) return;
  note_arrival(a, seq, now_us);
  if ((int32_t)(seq - a->highest) > 0) a->highest = seq;
  a->have[seq % AUDIO_SLOTS] = seq + 1;
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
  double delay_us = (double)(a->play_us + FRAME_US - a->fastest_us - (int64_t)a->next * FRAME_US);
  double lower_us = fmax(a->wanted_us * 3 / 4, a->wanted_us - LOWER_US),
         upper_us = fmax(a->wanted_us, lower_us + UPPER_US);
  a->play_us += FRAME_US + (delay_us < lower_us ? STRETCH_US : delay_us > upper_us ? -STRETCH_US : 0);
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
