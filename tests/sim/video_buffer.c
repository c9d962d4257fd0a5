/* Packets to pictures: see tests/sim/video_buffer.h. */
#include "tests/sim/video_buffer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_HZ         90000
#define DELAY_UP         0.3   /* toward a later frame … */
#define DELAY_DOWN       0.004 /* … and back: about the 97th percentile of lateness */
#define DELAY_MIN_US     10000.0
#define DELAY_MAX_US     1000000.0
#define LATE_US          100000 /* later than its time by more: not in time */
#define REPAIR_MEMORY_US 60000000
#define IN_TIME_US       20000 /* decoding and drawing have that much slack */
#define REPAIR_FRAMES    3
#define BASE_DRIFT_US    20 /* per frame: the fastest way is forgotten slowly */

void video_buffer_init(struct video_buffer *v, int64_t rtt_us) {
  v->rtt_us = rtt_us;
  v->repaired_us = INT64_MIN / 2;
  v->delay_us = DELAY_MIN_US;
  v->since_us = -1;
  v->shown_us = -1;
}

void video_buffer_close(struct video_buffer *v) {
  free(v->packets);
}

static struct video_packet *packet_at(struct video_buffer *v, uint32_t seq) {
  struct video_packet *p = &v->packets[seq % VIDEO_PACKETS];
  return p->seq == seq + 1 ? p : NULL;
}

/* ---- frames ---- */

/* The frame around `seq`, when it is whole. */
static bool assemble(struct video_buffer *v, uint32_t seq, struct video_frame *out) {
  const struct video_packet *p = packet_at(v, seq);
  uint32_t first = seq, last = seq, timestamp = p->timestamp;
  while (!p->start) {
    p = packet_at(v, --first);
    if (!p || p->timestamp != timestamp) return false;
  }
  const struct video_packet *start = p;
  bool repaired = false;
  p = packet_at(v, seq);
  while (!p->marker) {
    p = packet_at(v, ++last);
    if (!p || p->timestamp != timestamp) return false;
  }
  for (uint32_t i = first; i != last + 1; i++)
    repaired |= packet_at(v, i)->repaired;
  *out = (struct video_frame){.seq = first,
                              .timestamp = timestamp,
                              .key = start->key,
                              .sync = start->sync,
                              .repaired = repaired,
                              .tid = start->tid,
                              .tl0 = start->tl0,
                              .picture_id = start->picture_id,
                              .width = start->width};
  return true;
}

static void insert(struct video_buffer *v, const struct video_frame *f) {
  if (v->frame_count == VIDEO_FRAMES) {
    memmove(&v->frames[0], &v->frames[1], (VIDEO_FRAMES - 1) * sizeof v->frames[0]);
    v->frame_count--;
  }
  size_t i = v->frame_count++;
  for (; i > 0 && (int32_t)(v->frames[i - 1].seq - f->seq) > 0; i--)
    v->frames[i] = v->frames[i - 1];
  v->frames[i] = *f;
}

static int64_t due_without_delay(const struct video_buffer *v, uint32_t timestamp) {
  return v->base_us + (int64_t)(int32_t)(timestamp - v->base_timestamp) * 1000000 / CLOCK_HZ;
}

static int64_t whole_delay_us(const struct video_buffer *v) {
  int64_t delay_us = (int64_t)v->delay_us, repair_us = v->rtt_us * 9 / 10;
  if (v->repaired_frames >= REPAIR_FRAMES) delay_us += repair_us < 200000 ? repair_us : 200000;
  return delay_us > v->minimum_us ? delay_us : v->minimum_us;
}

/* The frame's lateness moves the clock and the delay. */
static void note_time(struct video_buffer *v, const struct video_frame *f) {
  if (v->base_timestamp == 0 && v->base_us == 0) {
    v->base_us = f->complete_us;
    v->base_timestamp = f->timestamp;
  }
  int64_t due_us = due_without_delay(v, f->timestamp);
  v->base_us += BASE_DRIFT_US;
  if (f->complete_us < due_us || due_us < f->complete_us - 10000000) v->base_us += f->complete_us - due_us;
  double late_us = (double)(f->complete_us - due_without_delay(v, f->timestamp));
  if (late_us <= (double)whole_delay_us(v) + IN_TIME_US) v->frames_in_time++;
  if (f->repaired) {
    v->repaired_us = f->complete_us;
    v->repaired_frames++;
    return;
  }
  if (f->complete_us - v->repaired_us > REPAIR_MEMORY_US) v->repaired_frames = 0;
  v->delay_us += (late_us - v->delay_us) * (late_us > v->delay_us ? DELAY_UP : DELAY_DOWN);
  v->delay_us = fmin(fmax(v->delay_us, DELAY_MIN_US), DELAY_MAX_US);
}

bool video_buffer_packet(struct video_buffer *v, uint32_t seq, uint32_t timestamp, bool marker, bool repaired,
                         const struct rtp_codec_info *info, int64_t now_us) {
  if (!v->packets && !(v->packets = calloc(VIDEO_PACKETS, sizeof *v->packets))) abort();
  if (packet_at(v, seq)) return false;
  if (v->since_us < 0) v->since_us = now_us;
  struct video_packet *p = &v->packets[seq % VIDEO_PACKETS];
  *p = (struct video_packet){
      .seq = seq + 1, .timestamp = info ? timestamp : ~timestamp, .marker = marker, .repaired = repaired};
  if (!info) return false;
  p->start = info->frame_start;
  p->key = info->keyframe;
  p->sync = info->switch_up;
  p->tid = info->temporal_id;
  p->tl0 = info->tl0picidx;
  p->picture_id = info->picture_id;
  p->width = info->width;
  struct video_frame f;
  if (!assemble(v, seq, &f)) return false;
  f.complete_us = now_us;
  if (v->decoded && (int32_t)(f.seq - v->last_seq) <= 0) return false;
  note_time(v, &f);
  insert(v, &f);
  return true;
}

/* ---- pictures ---- */

static bool decodable(const struct video_buffer *v, const struct video_frame *f) {
  if (f->key) return true;
  if (!v->decoded) return false;
  if (f->tid == 0) return f->tl0 == (uint8_t)(v->last_tl0 + 1);
  if (f->tl0 != v->last_tl0) return false;
  return f->sync || (f->tid == 2 && v->t1_decoded);
}

static void count_show(struct video_buffer *v, const struct video_frame *f, int64_t now_us) {
  if (v->frames_shown++ == 0) v->first_us = now_us;
  v->width = f->key && f->width ? f->width : v->width;
  if (v->shown_us >= 0) {
    double gap_us = (double)(now_us - v->shown_us), usual_us = v->average_us > 0 ? v->average_us : 33333;
    if (!v->paused && gap_us > fmax(3 * usual_us, usual_us + 150000)) {
      if (v->freezes < VIDEO_FREEZES) {
        v->freeze[v->freezes].from_us = v->shown_us;
        v->freeze[v->freezes].until_us = now_us;
      }
      v->freezes++;
      v->frozen_us += (int64_t)gap_us;
      if ((int64_t)gap_us > v->longest_us) v->longest_us = (int64_t)gap_us;
    } else {
      v->average_us = usual_us + (gap_us - usual_us) / 30;
    }
  }
  v->shown_us = now_us;
}

static void show(struct video_buffer *v, size_t index, int64_t now_us) {
  struct video_frame f = v->frames[index];
  v->decoded = true;
  v->last_seq = f.seq;
  v->last_timestamp = f.timestamp;
  v->last_picture = f.picture_id;
  if (f.key || f.tid == 0) {
    v->last_tl0 = f.tl0;
    v->t1_decoded = false;
  }
  if (f.tid == 1) v->t1_decoded = true;
  count_show(v, &f, now_us);
  memmove(&v->frames[0], &v->frames[index + 1], (v->frame_count - index - 1) * sizeof v->frames[0]);
  v->frame_count -= index + 1;
}

int64_t video_buffer_show(struct video_buffer *v, int64_t now_us) {
  for (size_t i = 0; i < v->frame_count;) {
    struct video_frame *f = &v->frames[i];
    if (!decodable(v, f)) {
      i++;
      continue;
    }
    int64_t due_us = due_without_delay(v, f->timestamp) + whole_delay_us(v);
    if (due_us > now_us) return due_us;
    show(v, i, now_us);
    i = 0;
  }
  return INT64_MAX;
}

void video_buffer_pause(struct video_buffer *v, bool paused, int64_t now_us) {
  if (v->paused == paused) return;
  v->paused = paused;
  if (paused || !v->decoded) return;
  v->shown_us = -1; /* the next picture is a first one */
  v->since_us = now_us;
}

bool video_buffer_wants_keyframe(const struct video_buffer *v, int64_t now_us) {
  if (v->paused || v->since_us < 0) return false;
  if (!v->decoded || v->shown_us < 0) return now_us - v->since_us > 200000;
  return now_us - v->shown_us > 3000000;
}
